"""Many at once, as if through several nodes: each has a database of its own, opened on the same URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest
from callclock_server.bus import LocalBus
from callclock_server.calls import create, end, extend, join, leave, query, roles, sweep, users
from callclock_server.clock import Sweeper
from callclock_server.domain.errors import (
    CallclockError,
    CallEnded,
    CallNotFound,
    MissingCapability,
    UnknownUser,
)
from callclock_server.domain.permissions import Actor
from callclock_server.storage import events, ledger, sessions
from callclock_server.storage.database import Database

APPOINTMENT = {"type": "appointment", "id": "a1"}


@pytest.fixture
async def nodes(world, database_url: str) -> AsyncIterator[list[Database]]:
    """Three nodes on the world's database, with its clock."""
    async with AsyncExitStack() as stack:
        opened = [await Database.open(database_url, clock=world.clock) for _ in range(3)]
        for node in opened:
            stack.push_async_callback(node.close)
        yield opened


async def test_fifty_extensions_through_three_nodes_add_up_exactly(world, nodes: list[Database]) -> None:
    await world.join(world.lecter)

    async def one(number: int) -> None:
        await nodes[number % 3].run(
            lambda tx: extend.extend_call(
                tx, world.lecter, **APPOINTMENT, seconds=60, idempotency_key=str(number // 2)
            )
        )

    await asyncio.gather(*(one(number) for number in range(100)))  # every key twice
    async with world.database.read() as tx:
        (session,) = (await sessions.running_of(tx, ["appointment:a1"])).values()
        changes = await ledger.of_session(tx, session.id)
        log = await events.heads(tx, after_position=0)
    assert session.max_duration_seconds == 3600 + 50 * 60
    assert len(changes) == 51
    assert sum(change.seconds for change in changes) == session.max_duration_seconds
    assert [row.position for row in log] == list(range(1, len(log) + 1))
    of_call = [row.id for row in log if row.cid == "appointment:a1"]
    assert of_call == list(range(1, len(of_call) + 1))


async def test_extension_after_the_deadline_is_refused_whoever_settles(world, nodes: list[Database]) -> None:
    sweepers = [Sweeper(node, LocalBus()) for node in nodes]
    for number in range(8):
        where = {"type": "appointment", "id": f"edge-{number}"}
        await world.do(create.get_or_create_call, world.server, **where, data={"created_by_id": "lecter"})
        await world.do(join.join_call, world.server, **where, user_id="lecter")
    world.clock.advance(3600)

    async def late(number: int) -> None:
        with pytest.raises(CallEnded):
            await nodes[number % 3].run(
                lambda tx: extend.extend_call(
                    tx, world.server, type="appointment", id=f"edge-{number}", seconds=600
                )
            )

    swept = asyncio.gather(*(sweeper.run_once() for sweeper in sweepers))
    await asyncio.gather(*(late(number) for number in range(8)))
    await swept
    for number in range(8):
        kinds = [event["type"] for event in await world.told(cid=f"appointment:edge-{number}")]
        assert kinds.count("call.ended") == kinds.count("call.session_ended") == 1


async def test_first_come_first_served_for_rows_that_are_made_once(world, nodes: list[Database]) -> None:
    async def one(node: Database, number: int) -> str:
        try:
            await node.run(lambda tx: roles.create_role(tx, world.server, name="nurse"))
        except CallclockError as refusal:
            outcome = refusal.code
        else:
            outcome = "made"
        await node.run(lambda tx: users.upsert_users(tx, world.server, users={"sam": {"id": "sam"}}))
        data = {"created_by_id": "lecter"}
        call = {"type": "appointment", "id": "shared", "data": data}
        answer = await node.run(lambda tx: create.get_or_create_call(tx, world.server, **call))
        return f"{outcome} {answer.created}"

    outcomes = await asyncio.gather(*(one(nodes[number % 3], number) for number in range(9)))
    assert sum(outcome.startswith("made") for outcome in outcomes) == 1
    assert sum(outcome.endswith("True") for outcome in outcomes) == 1


async def test_one_device_that_joins_many_times_at_once_holds_one_place(world, nodes: list[Database]) -> None:
    async def one(number: int) -> None:
        await nodes[number % 3].run(lambda tx: join.join_call(tx, world.bill, **APPOINTMENT))

    await asyncio.gather(*(one(number) for number in range(12)))
    async with world.database.read() as tx:
        (session,) = (await sessions.running_of(tx, ["appointment:a1"])).values()
    assert len(session.participants) == 1
    assert (await world.kinds()).count("session_started") == 1


async def test_everything_at_once_never_fails_by_a_deadlock(world, nodes: list[Database]) -> None:
    """Users that are deleted, calls that end, roles that change and a sweeper, all over the same calls."""
    calls = [{"type": "appointment", "id": f"busy-{number}"} for number in range(4)]
    people = {name: {"id": name, "role": "specialist"} for name in ("ann", "ben", "cat")}
    await world.do(users.upsert_users, world.server, users=people)
    for call in calls:
        data = {"created_by_id": "cat", "members": [{"user_id": name} for name in people]}
        await world.do(create.get_or_create_call, world.server, **call, data=data)

    async def visit(node: Database, call: dict[str, str], name: str) -> None:
        for use_case in (join.join_call, leave.leave_call, join.join_call, end.end_call):
            with suppress(CallEnded, CallNotFound, MissingCapability, UnknownUser):
                await node.run(lambda tx, deed=use_case: deed(tx, Actor(name), **call))

    async def change_roles(node: Database) -> None:
        for role in ("patient", "specialist") * 2:
            changed = {name: {"role": role} for name in ("ben", "ann")}
            await node.run(lambda tx, new=changed: users.upsert_users(tx, world.server, users=new))

    async with asyncio.TaskGroup() as group:
        for place, call in enumerate(calls):
            for number, name in enumerate(people):
                group.create_task(visit(nodes[(place + number) % 3], call, name))
        group.create_task(change_roles(nodes[0]))
        group.create_task(nodes[1].run(lambda tx: users.delete_user(tx, world.server, user_id="cat")))
        for node in nodes:
            group.create_task(node.run(lambda tx: sweep.settle_due(tx)))


async def test_custom_data_of_another_kind_is_passed_over(world) -> None:
    values = {"text": "12", "number": 12, "truth": True, "none": None, "list": [1]}
    for name, value in values.items():
        data = {"created_by_id": "lecter", "custom": {"x": value}}
        await world.do(create.get_or_create_call, world.server, type="appointment", id=name, data=data)
    found = {}
    for name, term in {"text": "12", "number": {"$gte": 2}, "truth": True}.items():
        page = await world.do(query.query_calls, world.server, filter={"custom.x": term})
        found[name] = [item.call["id"] for item in page.items]
    assert found == {"text": ["text"], "number": ["number"], "truth": ["truth"]}

"""Plans made before an alarm: the same outcome as without, and void as soon as anything has changed.

On SQLite nobody plans; the same stories must then end the same way. An event that was planned bears the
alarm's moment as its `created_at`, another one that of the sweep.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from callclock_server.bus import LocalBus
from callclock_server.calls import (
    call_types,
    create,
    end,
    extend,
    join,
    leave,
    plan,
    presence,
    sweep,
    update,
    users,
)
from callclock_server.calls.times import rfc3339
from callclock_server.clock import Sweeper
from callclock_server.domain.errors import CallEnded
from callclock_server.storage import sessions
from callclock_server.storage.database import Database

HOUR = 3600
LATE = 0.4
PEOPLE = ("lecter", "bill")


@pytest.fixture
async def other(world, database_url: str) -> AsyncIterator[Database]:
    """Another node on the world's database, with its clock."""
    database = await Database.open(database_url, clock=world.clock)
    yield database
    await database.close()


def plans(world: Any) -> bool:
    return world.database.engine.dialect.name == "postgresql"


async def appointment(world: Any, name: str, *, people: tuple[str, ...] = PEOPLE) -> str:
    """Create a call and let people join, who are there as long as their connection is."""
    where = {"type": "appointment", "id": name}
    await world.do(create.get_or_create_call, world.server, **where, data={"created_by_id": "lecter"})
    for user_id in people:
        await world.do(join.join_call, world.server, **where, user_id=user_id, connection_id=f"c-{user_id}")
    return f"appointment:{name}"


async def running(world: Any, cid: str) -> Any:
    async with world.database.read() as tx:
        return (await sessions.running_of(tx, [cid])).get(cid)


def shape(events: list[dict[str, Any]], of: str) -> str:
    """The events without what differs between two calls of the same story."""
    return re.sub(r"(ses|par)_\w+", r"\1", repr(events).replace(of, "CALL"))


@pytest.mark.parametrize("seconds_ahead", [0, 300], ids=["the end", "the warning"])
async def test_a_plan_writes_what_the_sweep_would_have_written(world, seconds_ahead: int) -> None:
    planned = await appointment(world, "planned", people=("bill",))
    world.clock.advance(HOUR - seconds_ahead - 5)
    if not seconds_ahead:
        await world.sweeper.run_once()  # the warnings, which were due on the way
    made = await world.sweeper.plan_ahead()
    assert made == (1 if plans(world) else 0)
    world.clock.advance(5 - HOUR + seconds_ahead)
    plain = await appointment(world, "plain-1", people=("bill",))
    world.clock.advance(HOUR - seconds_ahead - 5)
    if not seconds_ahead:
        await world.sweeper.run_once()
    world.clock.advance(5)
    assert await world.sweeper.run_once() == 2
    told = {
        cid: await world.told("call.ended", "call.session_ended", "call.session_timer_warning", cid=cid)
        for cid in (planned, plain)
    }
    assert len(told[planned]) == (3 if not seconds_ahead else 1)
    assert shape(told[planned], "planned") == shape(told[plain], "plain-1")
    assert await running(world, planned) == (None if not seconds_ahead else await running(world, planned))


async def test_a_planned_end_is_told_with_its_own_moment_and_ends_everything(world) -> None:
    cid = await appointment(world, "a")
    deadline = (await running(world, cid)).timer_ends_at
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    await world.sweeper.plan_ahead()
    world.clock.advance(5 + LATE)
    assert await world.sweeper.run_once() == 1
    ended, over = (await world.told(cid=cid))[-2:]
    assert [ended["type"], over["type"]] == ["call.ended", "call.session_ended"]
    moment = deadline if plans(world) else world.clock.now()
    assert ended["created_at"] == rfc3339(moment)
    assert ended["ended_at"] == ended["call"]["ended_at"] == rfc3339(deadline)
    async with world.database.read() as tx:
        (session,) = await sessions.page(tx, cid=cid, limit=1)
    assert session.ended_at == deadline
    assert await world.sweeper.run_once() == 0


async def test_a_plan_is_never_carried_out_before_its_alarm(world) -> None:
    cid = await appointment(world, "a")
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    await world.sweeper.plan_ahead()
    world.clock.advance(5 - 0.001)
    assert await world.sweeper.run_once() == 0
    assert await running(world, cid) is not None


async def rename(world: Any) -> None:
    await world.do(users.upsert_users, world.server, users={"bill": {"id": "bill", "name": "William"}})


async def change_type(world: Any) -> None:
    await world.do(
        call_types.update_call_type,
        world.server,
        name="appointment",
        settings={"audio": {"mic_default_on": False}},
    )


def at_call(use_case: Any, **kwargs: Any) -> Callable[[Any], Awaitable[None]]:
    async def change(world: Any) -> None:
        await world.do(use_case, world.server, type="appointment", id="a", **kwargs)

    return change


async def lose(world: Any) -> None:
    """A change of the session alone: the call's row stays as it is."""
    node = presence.node_of("c-bill") or ""
    await world.do(
        lambda tx, by: presence.connection_lost(tx, connection_id="c-bill", node_id=node), world.server
    )


CHANGES: dict[str, Callable[[Any], Awaitable[None]]] = {
    "extended": at_call(extend.extend_call, seconds=600),
    "shortened": at_call(extend.extend_call, seconds=-2),
    "ended": at_call(end.end_call),
    "left": at_call(leave.leave_call, user_id="bill"),
    "joined": at_call(join.join_call, user_id="stranger"),
    "noted": at_call(update.update_call, changes={"custom": {"note": "n"}}),
    "connection lost": lose,
    "renamed": rename,
    "type changed": change_type,
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_plan_is_void_when_something_changed(world, what: str) -> None:
    """The plan's own events would lack the change, or count on from the wrong id."""
    cid = await appointment(world, "a")
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    await world.sweeper.plan_ahead()
    await CHANGES[what](world)
    changed = await running(world, cid)
    world.clock.advance(5 + LATE)
    await world.sweeper.run_once()
    log = await world.told(cid=cid)
    assert [event["id"] for event in log] == list(range(1, len(log) + 1))
    if what == "extended":
        assert (await running(world, cid)).timer_ends_at == changed.timer_ends_at
        assert "call.ended" not in {event["type"] for event in log}
        return
    assert await running(world, cid) is None
    ended = next(event for event in log if event["type"] == "call.ended")
    assert ended["call"]["custom"] == ({"note": "n"} if what == "noted" else {})
    assert ended["call"]["settings"]["audio"]["mic_default_on"] is (what != "type changed")
    async with world.database.read() as tx:
        (session,) = await sessions.page(tx, cid=cid, limit=1)
    assert session.ended_at == (changed.timer_ends_at if changed else session.ended_at)
    if what != "ended":
        assert ended["created_at"] == rfc3339(world.clock.now())  # by the sweep: the plan was not used


async def test_a_changed_session_is_planned_anew(world) -> None:
    cid = await appointment(world, "a")
    world.clock.advance(HOUR - 10)
    await world.sweeper.run_once()
    await world.sweeper.plan_ahead()
    await CHANGES["shortened"](world)
    deadline = (await running(world, cid)).timer_ends_at
    assert await world.sweeper.plan_ahead() == (1 if plans(world) else 0)
    assert await world.sweeper.plan_ahead() == 0
    world.clock.advance(8 + LATE)
    assert await world.sweeper.run_once() == 1
    ended = (await world.told("call.ended", cid=cid))[0]
    assert ended["ended_at"] == rfc3339(deadline)
    assert ended["created_at"] == rfc3339(deadline if plans(world) else world.clock.now())


async def test_an_extension_that_holds_the_call_at_the_deadline_wins(world, other: Database) -> None:
    cid = await appointment(world, "a")
    sweeper = Sweeper(other, LocalBus())
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    await sweeper.plan_ahead()
    world.clock.advance(5 - 0.001)
    async with world.database.write() as tx:
        await extend.extend_call(tx, world.server, type="appointment", id="a", seconds=600)
        world.clock.advance(0.002)  # the deadline passes before the extension is committed
        sweeping = asyncio.create_task(sweeper.run_once())
        if plans(world):
            assert await sweeping == 0
    await sweeping
    assert await running(world, cid) is not None
    assert await sweeper.run_once() == 0
    assert not await world.told("call.ended", cid=cid)


async def test_an_extension_that_comes_while_a_plan_is_carried_out_is_refused(world, other: Database) -> None:
    cid = await appointment(world, "a")
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    async with world.database.read() as tx:
        prepared = await plan.prepare(tx, [cid]) if plans(world) else []
    world.clock.advance(5)

    async def late() -> None:
        with pytest.raises(CallEnded):
            await other.run(
                lambda tx: extend.extend_call(tx, world.server, type="appointment", id="a", seconds=600)
            )

    async with world.database.write() as tx:
        if prepared:
            assert await plan.carry_out(tx, prepared) == 1
        else:
            assert (await sweep.settle_due(tx)).ended == 1
        extending = asyncio.create_task(late())
    await extending
    assert len(await world.told("call.ended", cid=cid)) == 1


async def test_two_nodes_with_the_same_plans_end_everything_once(world, other: Database) -> None:
    cids = [await appointment(world, f"a{number}", people=("bill",)) for number in range(30)]
    sweepers = [Sweeper(node, LocalBus(), batch=7) for node in (world.database, other)]
    world.clock.advance(HOUR - 5)
    await world.sweeper.run_once()
    for sweeper in sweepers:
        await sweeper.plan_ahead()
    world.clock.advance(5)
    counts = await asyncio.gather(*(sweeper.run_once() for sweeper in sweepers))
    while rest := await world.sweeper.run_once():  # passed over where the other had the lock
        counts.append(rest)
    assert sum(counts) == len(cids)
    for cid in cids:
        told = await world.told(cid=cid)
        assert [event["type"] for event in told[-2:]] == ["call.ended", "call.session_ended"]
        assert [event["id"] for event in told] == list(range(1, len(told) + 1))


async def test_a_warning_that_is_no_longer_news_is_not_told(world) -> None:
    cid = await appointment(world, "a")
    world.clock.advance(HOUR - 60 - 5)
    await world.sweeper.run_once()
    assert await world.sweeper.plan_ahead() == (1 if plans(world) else 0)
    before = len(await world.told("call.session_timer_warning", cid=cid))
    world.clock.advance(5 + 61)  # stopped, and woken after the end
    await world.sweeper.run_once()
    assert len(await world.told("call.session_timer_warning", cid=cid)) == before
    ended = (await world.told("call.ended", cid=cid))[0]
    assert ended["ended_at"] == rfc3339(world.clock.now() - timedelta(seconds=1))

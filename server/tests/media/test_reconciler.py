"""Lost webhooks leave no ghost, lost rooms come back, rooms of ended sessions go."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from callclock_server.calls import end, join, move, presence, users
from callclock_server.calls.mirror import describe_room
from callclock_server.domain.permissions import SERVER
from callclock_server.media import reconciler as reconciling
from callclock_server.media.reconciler import Reconciler
from callclock_server.media.worker import MediaWorker
from callclock_server.storage import outbox, participants, sessions
from callclock_server.storage.database import Database
from callclock_server.timekeeping import FakeClock

from .fakes import FakeRooms, clusters_of


def reconciler(database: Database, rooms: FakeRooms, **more: Any) -> Reconciler:
    (cluster,) = clusters_of(only=rooms)
    return Reconciler(
        database=database,
        cluster=cluster,
        reconcile=presence.reconcile,
        describe=describe_room,
        interval_seconds=10,
        first_after_seconds=5,
        **more,
    )


async def joined(database: Database, device: str = "tab") -> str:
    """A call with one participant on the way to its room; returns the room."""
    async with database.write() as tx:
        await users.upsert_users(tx, SERVER, users={"bill": {"id": "bill"}})
        data = {"created_by_id": "bill"}
        answer = await join.join_call(
            tx, SERVER, type="default", id="a", create=True, user_id="bill", device_id=device, data=data
        )
    assert answer.room is not None
    return answer.room


async def present(database: Database, room: str) -> list[str]:
    async with database.read() as tx:
        return [
            stay.identity for stay in (await participants.open_of(tx, [room])).get(room, []) if stay.present
        ]


async def test_running_sessions_get_their_rooms_back(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    assert await reconciler(database, rooms).restore_rooms() == 1
    assert rooms.rooms == {room: set()}
    assert json.loads(rooms.metadata[room])["session_id"] == room
    assert await reconciler(database, rooms).restore_rooms() == 0


async def test_somebody_whose_arrival_was_not_told_is_present(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    rooms.rooms[room] = {"bill:tab"}
    assert await reconciler(database, rooms).run_once() == 1
    assert await present(database, room) == ["bill:tab"]
    assert await reconciler(database, rooms).run_once() == 0


async def test_a_ghost_is_gone(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
    rooms.rooms[room] = set()
    await reconciler(database, rooms).run_once()
    assert await present(database, room) == []


async def test_who_arrives_while_the_engine_is_asked_stays(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    await joined(database, device="phone")
    rooms.rooms[room] = {"bill:tab"}
    listed = rooms.list_participants

    async def list_and_arrive(name: str) -> list[str] | None:
        answer = await listed(name)
        async with database.write() as tx:
            await presence.media_joined(tx, room=room, identity="bill:phone")
        return answer

    rooms.list_participants = list_and_arrive  # type: ignore[method-assign]
    await reconciler(database, rooms).run_once()
    assert sorted(await present(database, room)) == ["bill:phone", "bill:tab"]


async def test_who_leaves_while_the_engine_is_asked_is_gone(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    await joined(database, device="phone")
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
    rooms.rooms[room] = {"bill:phone", "bill:tab"}  # the phone's arrival was not told
    listed = rooms.list_participants

    async def list_and_leave(name: str) -> list[str] | None:
        answer = await listed(name)
        async with database.write() as tx:
            await presence.media_left(tx, room=room, identity="bill:tab")
        return answer

    rooms.list_participants = list_and_leave  # type: ignore[method-assign]
    await reconciler(database, rooms).run_once()
    assert await present(database, room) == ["bill:phone"]


async def test_a_session_that_is_being_reached_is_not_moved(database: Database) -> None:
    room = await joined(database)
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
        moving = asyncio.create_task(
            database.run(partial(move.move_session, session_id=room, cluster="other"))
        )
        await asyncio.wait({moving}, timeout=0.2)  # as far as it gets
    assert not await moving
    async with database.read() as tx:
        session = await sessions.get(tx, room)
        assert session is not None
        assert session.media_cluster is None


async def test_the_room_of_an_ended_session_goes(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    async with database.write() as tx:
        await end.end_call(tx, SERVER, type="default", id="a")
    worker = MediaWorker(
        database=database,
        clusters=clusters_of(only=rooms),
        describe=describe_room,
        subscribe=lambda _: lambda: None,
    )
    await worker.run_once()
    rooms.rooms[room] = {"bill:tab"}  # it reappears
    await reconciler(database, rooms).run_once()
    await worker.run_once()
    assert rooms.rooms == {}


async def test_rooms_of_others_are_left_alone(database: Database, rooms: FakeRooms) -> None:
    rooms.rooms["somebody-elses"] = {"x"}
    await reconciler(database, rooms).run_once()
    async with database.read() as tx:
        assert await outbox.next_due(tx) is None


async def test_rooms_in_order_cost_one_request_together(
    database: Database, rooms: FakeRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "ROUNDS_PER_FULL_LOOK", 10**6)
    for number in range(20):
        async with database.write() as tx:
            await users.upsert_users(tx, SERVER, users={"bill": {"id": "bill"}})
            data = {"created_by_id": "bill"}
            answer = await join.join_call(
                tx, SERVER, type="default", id=f"c{number}", create=True, user_id="bill", data=data
            )
            await presence.media_joined(tx, room=answer.session_id, identity="bill:default")
        rooms.rooms[answer.session_id] = {"bill:default"}
    rooms.rooms[answer.session_id].clear()
    assert await reconciler(database, rooms).run_once() == 1
    assert rooms.done == ["list rooms", f"list {answer.session_id}"]


async def test_a_departure_and_an_arrival_that_hide_each_other_are_found_in_time(
    database: Database, rooms: FakeRooms
) -> None:
    room = await joined(database)
    await joined(database, device="phone")
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
    rooms.rooms[room] = {"bill:phone"}
    looking = reconciler(database, rooms)
    for _ in range(reconciling.ROUNDS_PER_FULL_LOOK):
        await looking.run_once()
    assert await present(database, room) == ["bill:phone"]


async def test_somebody_whom_only_the_list_knows_is_asked_for(database: Database, rooms: FakeRooms) -> None:
    room = await joined(database)
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
    rooms.rooms[room], rooms.ghosts = {"bill:tab"}, {"bill:tab"}
    looking = reconciler(database, rooms)
    for _ in range(reconciling.DOUBTS_BEFORE_ASKING):
        await looking.run_once()
    assert await present(database, room) == []


async def test_one_process_at_a_time_compares(database: Database, rooms: FakeRooms, clock: FakeClock) -> None:
    room = await joined(database)
    rooms.rooms[room] = {"bill:tab"}
    first, second = (reconciler(database, rooms, shared=True) for _ in range(2))
    assert await first.run_once() == 1
    rooms.rooms[room] = set()
    assert await second.run_once() == 0
    clock.advance(26)  # the first one died
    assert await second.run_once() == 1
    assert await first.run_once() == 0


async def test_an_engine_that_forgot_its_rooms_gets_them_back_at_the_next_look(
    database: Database, rooms: FakeRooms
) -> None:
    room = await joined(database)
    looking = reconciler(database, rooms)
    assert await looking.watch_once(known=False)
    rooms.done.clear()
    assert await looking.watch_once(known=True)
    assert rooms.done == [f"look for {reconciling.WATCH_ROOM}"]
    rooms.rooms.clear()  # it was restarted
    assert await looking.watch_once(known=True)
    assert rooms.rooms == {room: set(), reconciling.WATCH_ROOM: set()}


async def test_what_failed_while_the_engine_was_away_is_done_as_soon_as_it_is_back(
    database: Database, rooms: FakeRooms
) -> None:
    await joined(database)
    worker = MediaWorker(
        database=database,
        clusters=clusters_of(only=rooms),
        describe=describe_room,
        subscribe=lambda _: lambda: None,
    )
    rooms.failures = 1
    assert await worker.run_once() == 1
    assert await worker.run_once() == 0  # it waits
    await reconciler(database, rooms).watch_once(known=False)
    assert await worker.run_once() == 1


async def test_a_room_on_another_cluster_than_its_session_goes(database: Database) -> None:
    one, two = FakeRooms(), FakeRooms()
    clusters = clusters_of(one=one, two=two)
    room = await joined(database)
    async with database.write() as tx:
        assert await move.move_session(tx, session_id=room, cluster="two")
        assert not await move.move_session(tx, session_id=room, cluster="two")
    worker = MediaWorker(
        database=database, clusters=clusters, describe=describe_room, subscribe=lambda _: lambda: None
    )
    await worker.run_once()
    assert (set(one.rooms), set(two.rooms)) == (set(), {room})
    one.rooms[room] = set()  # a leftover
    cluster = clusters.of("one")
    looking = Reconciler(
        database=database,
        cluster=cluster,
        reconcile=presence.reconcile,
        describe=describe_room,
        interval_seconds=10,
        first_after_seconds=5,
        others=["two"],
    )
    await looking.run_once()
    await worker.run_once()
    assert (set(one.rooms), set(two.rooms)) == (set(), {room})
    async with database.write() as tx:
        await presence.media_joined(tx, room=room, identity="bill:tab")
        assert not await move.move_session(tx, session_id=room, cluster="one")

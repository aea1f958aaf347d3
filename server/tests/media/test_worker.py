"""Effects are repeated until the media engine has confirmed them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from callclock_server.media.worker import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, MediaWorker, pause_after
from callclock_server.storage import outbox
from callclock_server.storage.database import Database, Transaction
from callclock_server.timekeeping import FakeClock

from .fakes import FakeRooms, clusters_of, describe

Receivers = list[Callable[[Any], None]]


@pytest.fixture
def receivers() -> Receivers:
    return []


@pytest.fixture
def worker(database: Database, rooms: FakeRooms, receivers: Receivers) -> MediaWorker:
    def subscribe(receiver: Callable[[Any], None]) -> Callable[[], None]:
        receivers.append(receiver)
        return receivers.clear

    return MediaWorker(
        database=database, clusters=clusters_of(only=rooms), describe=describe, subscribe=subscribe
    )


async def promise(database: Database, kind: str, room: str, **payload: Any) -> None:
    async with database.write() as tx:
        await outbox.add(tx, kind=kind, payload={"room": room, **payload})


async def left(database: Database) -> bool:
    async with database.read() as tx:
        return await outbox.next_due(tx) is not None


async def due_at(database: Database) -> datetime | None:
    async with database.read() as tx:
        return await outbox.next_due(tx)


async def test_every_kind_is_done_and_settled(
    worker: MediaWorker, database: Database, rooms: FakeRooms
) -> None:
    await promise(database, outbox.ROOM_ENSURE, "a")
    await promise(database, outbox.PARTICIPANT_PERMISSIONS, "a", identity="bill:tab", sources=["microphone"])
    await promise(database, outbox.PARTICIPANT_REMOVE, "a", identity="bill:tab")
    await promise(database, outbox.ROOM_DELETE, "a")
    assert await worker.run_once() == 4
    assert rooms.done == ["ensure a", "allow bill:tab in a", "remove bill:tab from a", "delete a"]
    assert rooms.permissions == {("a", "bill:tab"): ["microphone"]}
    assert not await left(database)


async def test_a_room_is_told_only_what_is_newest(
    worker: MediaWorker, database: Database, rooms: FakeRooms
) -> None:
    rooms.rooms["a"] = set()
    for _ in range(3):
        await promise(database, outbox.ROOM_METADATA, "a")
    assert await worker.run_once() == 3
    assert rooms.done == ["tell a"]
    assert rooms.metadata == {"a": "the clock of a"}


async def test_a_clock_that_changes_while_it_is_told_is_told_again(
    database: Database, rooms: FakeRooms
) -> None:
    rooms.rooms["a"] = set()
    states = iter(["first", "second", "second"])

    async def changing(_tx: Transaction, _room: str) -> str:
        return next(states)

    worker = MediaWorker(
        database=database,
        clusters=clusters_of(only=rooms),
        describe=changing,
        subscribe=lambda _: lambda: None,
    )
    await promise(database, outbox.ROOM_METADATA, "a")
    await worker.run_once()
    assert rooms.metadata == {"a": "second"}


async def test_a_room_is_not_opened_for_a_session_that_has_ended(
    database: Database, rooms: FakeRooms
) -> None:
    async def nothing(_tx: Transaction, _room: str) -> None:
        return None

    worker = MediaWorker(
        database=database,
        clusters=clusters_of(only=rooms),
        describe=nothing,
        subscribe=lambda _: lambda: None,
    )
    await promise(database, outbox.ROOM_ENSURE, "a")
    assert await worker.run_once() == 1
    assert rooms.rooms == {}


async def test_a_failed_effect_is_repeated_after_a_pause(
    worker: MediaWorker, database: Database, rooms: FakeRooms, clock: FakeClock
) -> None:
    rooms.rooms["a"] = {"bill:tab"}
    rooms.failures = 2
    await promise(database, outbox.ROOM_DELETE, "a")
    for attempt in range(3):
        assert await worker.run_once() == 1
        assert await worker.run_once() == 0
        clock.advance(pause_after(attempt))
    assert rooms.rooms == {}
    assert not await left(database)


async def test_after_a_failure_the_later_effects_of_that_room_wait_and_others_do_not(
    worker: MediaWorker, database: Database, rooms: FakeRooms, clock: FakeClock
) -> None:
    rooms.failures = 1
    await promise(database, outbox.ROOM_ENSURE, "a")
    await promise(database, outbox.ROOM_DELETE, "a")
    await promise(database, outbox.ROOM_ENSURE, "b")
    await worker.run_once()
    assert rooms.done == ["ensure b"]
    clock.advance(1)
    await worker.run_once()
    assert rooms.done == ["ensure b", "ensure a", "delete a"]


async def test_the_effect_of_a_worker_that_died_comes_back_after_its_lease(
    worker: MediaWorker, database: Database, rooms: FakeRooms, clock: FakeClock
) -> None:
    await promise(database, outbox.ROOM_DELETE, "a")
    async with database.write() as tx:
        assert len(await outbox.claim(tx, limit=10, lease_seconds=30)) == 1
    assert await worker.run_once() == 0
    clock.advance(31)
    assert await worker.run_once() == 1
    assert rooms.done == ["delete a"]


async def test_a_lease_is_renewed_while_the_work_goes_on(
    worker: MediaWorker, database: Database, rooms: FakeRooms, clock: FakeClock
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def delete_room(name: str) -> None:
        asked.set()
        await answer.wait()

    rooms.delete_room = delete_room  # type: ignore[method-assign]
    await promise(database, outbox.ROOM_DELETE, "a")
    working = asyncio.create_task(worker.run_once())
    await asked.wait()
    first = await due_at(database)
    clock.advance(LEASE_SECONDS / 2)
    async with asyncio.timeout(5):
        while await due_at(database) == first:  # noqa: ASYNC110 - the row is what tells
            await asyncio.sleep(0.02)
    answer.set()
    assert await working == 1
    assert not await left(database)


async def test_an_engine_that_answers_again_gets_what_has_waited_for_it(
    worker: MediaWorker, database: Database, rooms: FakeRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callclock_server.media.worker.KNOCK_SECONDS", 0.01)
    rooms.failures = 3  # the deed, and two knocks
    await promise(database, outbox.ROOM_DELETE, "a")
    assert await worker.run_once() == 1
    async with asyncio.timeout(5):
        while not await worker.run_once():  # noqa: ASYNC110 - the clock of the pauses stands still
            await asyncio.sleep(0.01)
    assert rooms.done[-1] == "delete a"
    assert not await left(database)


async def test_a_slow_engine_does_not_keep_another_ones_rooms_waiting(database: Database) -> None:
    slow, quick = FakeRooms(), FakeRooms()
    answer, closed = asyncio.Event(), asyncio.Event()
    slow.delete_room = lambda name: answer.wait()  # type: ignore[method-assign, assignment, return-value]
    quick.delete_room = lambda name: _note(closed)  # type: ignore[method-assign]
    hints: Receivers = []
    worker = MediaWorker(
        database=database,
        clusters=clusters_of(slow=slow, quick=quick),
        describe=describe,
        subscribe=lambda receiver: hints.append(receiver) or hints.clear,  # type: ignore[func-returns-value]
    )
    running = asyncio.create_task(worker.run())
    await promise(database, outbox.ROOM_DELETE, "a", cluster="slow")
    await asyncio.sleep(0)
    await promise(database, outbox.ROOM_DELETE, "b", cluster="quick")
    for hint in tuple(hints):
        hint(None)
    async with asyncio.timeout(3):
        await closed.wait()
    answer.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_effects_on_an_engine_that_is_away_are_put_back_at_once(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callclock_server.media.worker.KNOCK_SECONDS", 0.01)
    away, quick = FakeRooms(), FakeRooms()
    away.failures = 1_000_000
    knocked = asyncio.Event()
    look = away.has_room

    async def has_room(name: str) -> bool:
        if away.failures == 999_998:
            knocked.set()
        return await look(name)

    away.has_room = has_room  # type: ignore[method-assign]
    worker = MediaWorker(
        database=database,
        clusters=clusters_of(away=away, quick=quick),
        describe=describe,
        subscribe=lambda _: lambda: None,
    )
    await promise(database, outbox.ROOM_DELETE, "a", cluster="away")
    await worker.run_once()
    async with asyncio.timeout(5):
        await knocked.wait()  # a second time: the first knock has found nobody
    # It would keep whoever asks waiting for as long as a request may take.
    away.delete_room = lambda name: asyncio.Event().wait()  # type: ignore[method-assign, assignment, return-value]
    clock.advance(1)
    await promise(database, outbox.ROOM_DELETE, "b", cluster="away")
    await promise(database, outbox.ROOM_DELETE, "c", cluster="quick")
    async with asyncio.timeout(5):
        assert await worker.run_once() == 3
    assert quick.done == ["delete c"]
    assert await left(database)


async def test_a_hint_wakes_the_worker(
    worker: MediaWorker, database: Database, rooms: FakeRooms, receivers: Receivers
) -> None:
    finished = asyncio.Event()
    rooms.delete_room = lambda name: _note(finished)  # type: ignore[method-assign]
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)  # let it subscribe
    assert receivers
    await promise(database, outbox.ROOM_DELETE, "a")
    receivers[0](None)
    async with asyncio.timeout(2):
        await finished.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _note(event: asyncio.Event) -> None:
    event.set()


def test_pauses_grow_to_a_bound() -> None:
    assert [pause_after(attempts) for attempts in range(3)] == [0.1, 0.2, 0.4]
    assert pause_after(1000) == LONGEST_PAUSE_SECONDS

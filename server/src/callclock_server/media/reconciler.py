"""Compares what the database believes with what the media engine has, now and then.

A lost webhook leaves no ghost, a restarted engine gets its rooms back, and a room that reappears for an ended
session goes again (design rule 4). Rooms that are no session of ours are left alone: the engine may have
other users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Protocol

import structlog

from callclock_server.media.rooms import MediaUnavailable, RoomControl
from callclock_server.storage import outbox, participants, sessions
from callclock_server.storage.database import Database, Transaction
from callclock_server.storage.standing import running_rooms

log = structlog.get_logger("callclock.media")

START_RETRY_SECONDS = 0.1
ROUNDS_PER_ROOM_CHECK = 6


class Reconcile(Protocol):
    """Brings presence in line with the identities that are in a room (`calls.presence.reconcile`)."""

    def __call__(self, tx: Transaction, *, room: str, identities: Collection[str]) -> Awaitable[None]: ...


class Reconciler:
    """One round every `interval_seconds`; the first as soon as the engine answers."""

    def __init__(
        self,
        *,
        database: Database,
        rooms: RoomControl,
        reconcile: Reconcile,
        interval_seconds: float,
        first_after_seconds: float,
    ) -> None:
        self._database = database
        self._rooms = rooms
        self._reconcile = reconcile
        self._interval = interval_seconds
        self._first_after = first_after_seconds

    async def run(self) -> None:
        """Give running sessions their rooms back at once, then compare until cancelled."""
        while True:
            if await self._guarded(self.restore_rooms):
                break
            await asyncio.sleep(START_RETRY_SECONDS)
        # Clients of a process that was restarted get this long to come back before they count as gone.
        await asyncio.sleep(self._first_after)
        rounds = 0
        while True:
            await self._guarded(self.run_once)
            rounds += 1
            if rounds % ROUNDS_PER_ROOM_CHECK == 0:
                await self._guarded(self.restore_rooms)
            await asyncio.sleep(self._interval)

    async def restore_rooms(self) -> int:
        """Create the rooms that running sessions lack; return how many those were."""
        async with self._database.read() as tx:
            wanted = await running_rooms(tx)
        if not wanted:
            return 0
        missing = set(wanted) - set(await self._rooms.list_rooms())
        for room in sorted(missing):
            await self._rooms.ensure_room(room)
        return len(missing)

    async def run_once(self) -> int:
        """Compare every room of the engine; return how many differed from the database."""
        differing = 0
        for room in await self._rooms.list_rooms():
            differing += await self._compare(room)
        return differing

    async def _compare(self, room: str) -> bool:
        before = await self._present(room)
        if before is None:
            return False
        listed = await self._rooms.list_participants(room)
        if listed is None or set(listed) == before:
            return False

        async def align(tx: Transaction) -> None:
            # Whoever arrived after the engine was asked cannot be in its answer.
            arrived = await _present(tx, room) - before
            await self._reconcile(tx, room=room, identities=sorted(set(listed) | arrived))

        await self._database.run(align)
        return True

    async def _present(self, room: str) -> set[str] | None:
        """Who is present in a running session; None when the room is not one's. An ended one's room goes."""
        async with self._database.read() as tx:
            session = await sessions.get(tx, room)
            if session is not None and session.running:
                return await _present(tx, room)
        if session is not None:
            payload = {"room": room}
            await self._database.run(partial(outbox.add, kind=outbox.ROOM_DELETE, payload=payload))
        return None

    async def _guarded(self, work: Callable[[], Awaitable[int]]) -> bool:
        try:
            await work()
        except MediaUnavailable as exc:
            log.debug("media_engine_away", reason=str(exc))
            return False
        except Exception:
            # The loop outlives a database that is away for a while.
            log.exception("reconcile_failed")
            return False
        return True


async def _present(tx: Transaction, room: str) -> set[str]:
    stays = (await participants.open_of(tx, [room])).get(room, [])
    return {stay.identity for stay in stays if stay.present}

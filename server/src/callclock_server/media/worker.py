"""Carries the effects of the outbox to the media engine, each until the engine has confirmed it.

A row is claimed for a lease, done, and settled; a failure puts it back with a growing pause. Effects on one
room keep their order, rooms do not wait for each other. All effects are idempotent: a worker that dies
between the deed and its settlement costs one repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from callclock_server.media.clusters import Clusters
from callclock_server.media.rooms import MediaUnavailable, RoomControl
from callclock_server.storage import outbox
from callclock_server.storage.database import Database, Transaction
from callclock_server.storage.outbox import OutboxRow

log = structlog.get_logger("callclock.media")

BATCH = 200
LEASE_SECONDS = 30.0
PARALLEL_ROOMS = 32
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 5.0

Done = tuple[OutboxRow, str | None]
Describe = Callable[[Transaction, str], Awaitable[str | None]]
"""Returns what a room is to be told (`calls.mirror.describe_room`), None where no running session owns it."""


class MediaWorker:
    """Runs on every server process; leases keep two of them from the same row."""

    def __init__(
        self,
        *,
        database: Database,
        clusters: Clusters,
        describe: Describe,
        subscribe: Callable[[Callable[[Any], None]], Callable[[], None]],
    ) -> None:
        self._database = database
        self._clusters = clusters
        self._describe_room = describe
        self._subscribe = subscribe
        self._hinted = asyncio.Event()
        self._places = asyncio.Semaphore(PARALLEL_ROOMS)
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Work until cancelled, woken by a hint, by the next row that is due, or by a poll."""
        unsubscribe = self._subscribe(lambda _message: self._hinted.set())
        try:
            while True:
                self._hinted.clear()
                try:
                    if await self.run_once():
                        continue
                    pause = await self._pause()
                except Exception:
                    # The loop outlives a database that is away for a while.
                    log.exception("media_worker_failed")
                    pause = 1.0
                await self._rest(pause)
        finally:
            unsubscribe()

    async def run_once(self) -> int:
        """Do what is due now; return how many rows were tried. A round that is under way is waited for."""
        async with self._turn:
            return await self._round()

    async def _round(self) -> int:
        rows = await self._database.run(partial(outbox.claim, limit=BATCH, lease_seconds=LEASE_SECONDS))
        if not rows:
            return 0
        by_room: dict[tuple[str, str], list[OutboxRow]] = {}
        for row in rows:
            cluster = self._clusters.of(row.payload.get("cluster")).name
            by_room.setdefault((str(row.payload["room"]), cluster), []).append(row)
        outcomes = await asyncio.gather(*(self._work_off(part) for part in by_room.values()))

        async def settle(tx: Transaction) -> None:
            for outcome in outcomes:
                for row, fault in outcome:
                    await _settle(tx, row, fault)

        await self._database.run(settle)
        return len(rows)

    async def _work_off(self, rows: list[OutboxRow]) -> list[Done]:
        """Do the effects of one room in order; after a failure the later ones wait with it."""
        outcome: list[Done] = []
        fault: str | None = None
        superseded = [row for row in rows if row.kind == outbox.ROOM_METADATA][:-1]
        async with self._places:
            for row in rows:
                if fault is None and row not in superseded:
                    fault = await self._try(row)
                outcome.append((row, fault))
        return outcome

    async def _try(self, row: OutboxRow) -> str | None:
        try:
            await self._perform(row)
        except MediaUnavailable as exc:
            log.warning("media_effect_failed", kind=row.kind, attempts=row.attempts + 1, reason=str(exc))
            return str(exc)
        return None

    async def _perform(self, row: OutboxRow) -> None:
        room, payload = str(row.payload["room"]), row.payload
        engine = self._clusters.of(payload.get("cluster")).rooms
        if row.kind == outbox.ROOM_ENSURE:
            # Late, after the session's end, it would open the room again.
            if (metadata := await self._describe(room)) is not None:
                await engine.ensure_room(room, metadata=metadata)
        elif row.kind == outbox.ROOM_METADATA:
            await self._tell(engine, room)
        elif row.kind == outbox.ROOM_DELETE:
            await engine.delete_room(room)
        elif row.kind == outbox.PARTICIPANT_REMOVE:
            await engine.remove_participant(room, identity=str(payload["identity"]))
        elif row.kind == outbox.PARTICIPANT_PERMISSIONS:
            await engine.set_permissions(room, identity=str(payload["identity"]), sources=payload["sources"])
        else:
            log.error("unknown_media_effect", kind=row.kind)

    async def _tell(self, engine: RoomControl, room: str) -> None:
        """Tell a room of its clock as it is now, and again should it change while that is under way.

        Two processes may be at it for the same room: whoever is last has read the newest state.
        """
        told = None
        while (metadata := await self._describe(room)) not in (None, told):
            await engine.set_metadata(room, str(metadata))
            told = metadata

    async def _describe(self, room: str) -> str | None:
        async with self._database.read() as tx:
            return await self._describe_room(tx, room)

    async def _pause(self) -> float:
        async with self._database.read() as tx:
            due: datetime | None = await outbox.next_due(tx)
            now = tx.now()
        if due is None:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max(0.01, (due - now).total_seconds()))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        except TimeoutError:
            return


async def _settle(tx: Transaction, row: OutboxRow, fault: str | None) -> None:
    if fault is None:
        await outbox.settle(tx, row=row)
    else:
        await outbox.retry(tx, row=row, delay_seconds=pause_after(row.attempts), error=fault)


def pause_after(attempts: int) -> float:
    """Seconds to wait after the given number of earlier failures: doubling, at most 15 s."""
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempts, 16)))

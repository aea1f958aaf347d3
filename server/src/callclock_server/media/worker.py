"""Carries the effects of the outbox to the media engines, each until its engine has confirmed it.

A row is claimed for a lease, done, and settled; a failure puts it back with a growing pause. Effects on one
room keep their order, rooms do not wait for each other. All effects are idempotent: a worker that dies
between the deed and its settlement costs one repetition.

A lease is short, so that the rooms of a node that was killed at the deadline are closed by another a second
later, and it is renewed while the work goes on. An engine that was away is knocked at until it answers; then
everything that waits for it is done at once, whatever its pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from callclock_server.domain.errors import Unavailable
from callclock_server.media.clusters import Cluster, Clusters
from callclock_server.media.rooms import MediaUnavailable, RoomControl
from callclock_server.storage import outbox
from callclock_server.storage.database import Database, Transaction
from callclock_server.storage.outbox import OutboxRow

log = structlog.get_logger("callclock.media")

BATCH = 200
LEASE_SECONDS = 0.8
RENEW_SECONDS = 0.25
ROUNDS_AT_ONCE = 20
PARALLEL_ROOMS = 32
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.01
KNOCK_SECONDS = 0.5
KNOCK_WITHIN_SECONDS = 1.0
_NO_ROOM = "callclock-knocks"
FAILURE_PAUSE_SECONDS = 0.5

Done = list[tuple[OutboxRow, str | None]]
Room = tuple[str, str]
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
        self._places = {cluster.name: asyncio.Semaphore(PARALLEL_ROOMS) for cluster in clusters}
        self._claiming = asyncio.Lock()
        self._rounds: set[asyncio.Task[None]] = set()
        self._last_of: dict[Room, asyncio.Task[Done]] = {}
        self._knocking: dict[str, asyncio.Task[None]] = {}
        self._away: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled, woken by a hint, by the next row that is due, or by a poll."""
        unsubscribe = self._subscribe(lambda _message: self._hinted.set())
        try:
            while True:
                self._hinted.clear()
                try:
                    pause = await self._pause()
                    # A look is cheaper than a claim, and most looks find nothing.
                    if pause <= SHORTEST_WAIT_SECONDS and await self._begin():
                        # An engine that is slow must not keep the others' rooms waiting.
                        while len(self._rounds) >= ROUNDS_AT_ONCE:
                            await asyncio.wait(self._rounds, return_when=asyncio.FIRST_COMPLETED)
                        continue
                except Unavailable as exc:
                    log.warning("media_worker_waits", reason=exc.code)
                    pause = FAILURE_PAUSE_SECONDS
                except Exception:
                    # The edge of the loop: whatever it was, the next round must come.
                    log.exception("media_worker_failed")
                    pause = FAILURE_PAUSE_SECONDS
                await self._rest(pause)
        finally:
            unsubscribe()
            await self._stop()

    async def run_once(self) -> int:
        """Do what is due now; return how many rows were tried. Rounds that are under way are waited for."""
        count = await self._begin()
        await asyncio.gather(*self._rounds)
        return count

    async def _begin(self) -> int:
        """Claim what is due and begin a round with it; return how many rows that are."""
        async with self._claiming:
            rows = await self._database.run(partial(outbox.claim, limit=BATCH, lease_seconds=LEASE_SECONDS))
            if rows:
                work = self._by_room(rows)
                task = asyncio.create_task(self._round(work, lease=rows[0].lease_token))
                self._rounds.add(task)
                task.add_done_callback(self._rounds.discard)
        return len(rows)

    def _by_room(self, rows: Iterable[OutboxRow]) -> list[asyncio.Task[Done]]:
        """Begin the work on each room, after what is under way there already."""
        parts: dict[Room, list[OutboxRow]] = {}
        for row in rows:
            cluster = self._clusters.of(row.payload.get("cluster")).name
            parts.setdefault((str(row.payload["room"]), cluster), []).append(row)
        return [self._after_the_former(room, part) for room, part in parts.items()]

    def _after_the_former(self, room: Room, rows: list[OutboxRow]) -> asyncio.Task[Done]:
        task = asyncio.create_task(self._work_off(rows, former=self._last_of.get(room)))
        self._last_of[room] = task

        def forget(done: asyncio.Task[Done]) -> None:
            if self._last_of.get(room) is done:
                del self._last_of[room]

        task.add_done_callback(forget)
        return task

    async def _round(self, work: Sequence[asyncio.Task[Done]], *, lease: str) -> None:
        """Settle what is done, and renew the lease of the rest, until everything is."""
        pending = set(work)
        while pending:
            done, pending = await asyncio.wait(pending, timeout=RENEW_SECONDS)
            outcomes = [outcome for task in done for outcome in task.result()]
            try:
                await self._database.run(partial(_settle, outcomes=outcomes, kept=lease if pending else None))
            except Exception:
                # The rows come back when the lease is over: a repetition, and nothing is lost.
                log.exception("media_round_not_settled")

    async def _work_off(self, rows: list[OutboxRow], *, former: asyncio.Task[Done] | None) -> Done:
        """Do the effects of one room in order; after a failure the later ones wait with it."""
        if former is not None:
            await asyncio.wait({former})
        cluster = self._clusters.of(rows[0].payload.get("cluster"))
        superseded = [row for row in rows if row.kind == outbox.ROOM_METADATA][:-1]
        outcome: Done = []
        fault: str | None = None
        async with self._places[cluster.name]:
            for row in rows:
                if fault is None and row not in superseded:
                    fault = await self._try(row, cluster)
                outcome.append((row, fault))
        return outcome

    async def _try(self, row: OutboxRow, cluster: Cluster) -> str | None:
        if cluster.name in self._away:
            # Thousands that wait for no answer would fill all rounds, and keep the other engines waiting.
            return "the engine did not answer a moment ago"
        try:
            await self._perform(row, cluster.rooms)
        except MediaUnavailable as exc:
            log.warning("media_effect_failed", kind=row.kind, attempts=row.attempts + 1, reason=str(exc))
            self._knock(cluster)
            return str(exc)
        except Exception as exc:
            log.exception("media_effect_failed", kind=row.kind, attempts=row.attempts + 1)
            return repr(exc)
        return None

    async def _perform(self, row: OutboxRow, engine: RoomControl) -> None:
        room, payload = str(row.payload["room"]), row.payload
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
        return min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, (due - now).total_seconds()))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        except TimeoutError:
            return

    def _knock(self, cluster: Cluster) -> None:
        """Ask an engine that has failed until it answers."""
        if cluster.name not in self._knocking:
            task = asyncio.create_task(self._until_it_answers(cluster))
            self._knocking[cluster.name] = task
            task.add_done_callback(lambda _task: self._knocking.pop(cluster.name, None))

    async def _until_it_answers(self, cluster: Cluster) -> None:
        was_away = False
        try:
            while True:
                await asyncio.sleep(KNOCK_SECONDS)
                try:
                    async with asyncio.timeout(KNOCK_WITHIN_SECONDS):
                        await cluster.rooms.has_room(_NO_ROOM)
                    self._away.discard(cluster.name)
                    if was_away:  # else it answers, and refuses: the growing pauses are right
                        await self._database.run(outbox.hurry)
                    return
                except Exception as exc:
                    # Whatever it was, the effects come back by themselves; this only shortens their pause.
                    log.debug("media_engine_away", cluster=cluster.name, reason=str(exc))
                    was_away = True
                    self._away.add(cluster.name)
        finally:
            self._away.discard(cluster.name)

    async def _stop(self) -> None:
        tasks = [*self._rounds, *self._last_of.values(), *self._knocking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settle(tx: Transaction, *, outcomes: Done, kept: str | None) -> None:
    for row, fault in outcomes:
        if fault is None:
            await outbox.settle(tx, row=row)
        else:
            await outbox.retry(tx, row=row, delay_seconds=pause_after(row.attempts), error=fault)
    if kept is not None:
        await outbox.renew(tx, lease_token=kept, lease_seconds=LEASE_SECONDS)


def pause_after(attempts: int) -> float:
    """Seconds to wait after the given number of earlier failures: doubling, at most 15 s."""
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempts, 16)))

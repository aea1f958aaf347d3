"""Compares what the database believes with what one media cluster has, now and then.

A lost webhook leaves no ghost and loses nobody, a restarted engine gets its rooms back at once, and a room
that reappears for an ended session goes again (design rule 4). Rooms that are no session of ours are left
alone: the engine may have other users.

Every process watches every cluster with one small request a second: for a room of ours, which an engine that
has forgotten its rooms does not have. The comparison is the work of one process at a time, by a lease. It
asks for all rooms in one request and looks into those whose number of people differs; the others have their
turn every `ROUNDS_PER_FULL_LOOK` rounds, since a departure and an arrival may hide each other.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Protocol

import structlog

from callclock_server.domain.errors import Unavailable
from callclock_server.media.clusters import Cluster
from callclock_server.media.probe import look_at_auto_create
from callclock_server.media.rooms import MediaRefused, MediaUnavailable
from callclock_server.media.worker import Describe
from callclock_server.storage import leases, outbox, participants, sessions, standing
from callclock_server.storage.database import Database, Transaction

log = structlog.get_logger("callclock.media")

WATCH_ROOM = "callclock-watch"
"""A room of nobody's. An engine without it has been restarted, or has lost what it knew."""

WATCH_SECONDS = 1.0
AWAY_SECONDS = 0.1
OTHERS_WAIT_SECONDS = 1.0
ROUNDS_PER_FULL_LOOK = 30
PARALLEL_LOOKS = 8
DOUBTS_BEFORE_ASKING = 3


class Reconcile(Protocol):
    """Brings presence in line with the identities that are in a room (`calls.presence.reconcile`)."""

    def __call__(
        self, tx: Transaction, *, room: str, identities: Collection[str], cluster: str | None
    ) -> Awaitable[None]: ...


class Reconciler:
    """Looks after one cluster: watches it every second, compares it every `interval_seconds`.

    `others` are the names of the other clusters; the `first` one also has the sessions that name none of
    them. With `shared` several processes look after the same engine and take turns by a lease.
    """

    def __init__(
        self,
        *,
        database: Database,
        cluster: Cluster,
        reconcile: Reconcile,
        describe: Describe,
        interval_seconds: float,
        first_after_seconds: float,
        first: bool = True,
        others: Iterable[str] = (),
        shared: bool = False,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._rooms = cluster.rooms
        self._reconcile = reconcile
        self._describe = describe
        self._interval = interval_seconds
        self._first_after = first_after_seconds
        self._owned = standing.Owned(None if first else cluster.name, tuple(others))
        # The embedded media forgets its rooms only together with this process.
        self._look_again_after = min(WATCH_SECONDS, interval_seconds) if cluster.engine else interval_seconds
        self._shared = shared
        self._holder = secrets.token_hex(8)
        self._round = 0
        self._doubted: dict[str, int] = {}

    async def run(self) -> None:
        """Watch and compare until cancelled."""
        loop = asyncio.get_running_loop()
        # Clients of a process that was restarted get this long to come back before they count as gone.
        compare_at = loop.time() + self._first_after
        known = False  # whether the engine has been seen with our room in it
        try:
            while True:
                known = await self.watch_once(known=known)
                if known and loop.time() >= compare_at:
                    compare_at = loop.time() + self._interval
                    await self._guarded(self.run_once)
                await asyncio.sleep(self._look_again_after if known else AWAY_SECONDS)
        finally:
            await self._step_down()

    async def watch_once(self, *, known: bool) -> bool:
        """Look whether the engine is there and remembers its rooms; if not, give them back.

        `known` is what the last look found. Returns whether all is well.
        """
        try:
            if await self._rooms.has_room(WATCH_ROOM):
                self._seen()
                if known:
                    return True
                # Somebody else made the room, or this process has just begun.
                return await self._returned()
            self._seen()
            return await self._returned()
        except MediaRefused as exc:
            self._away(f"The media cluster {self._cluster.name} refuses our key.", reason=str(exc))
        except MediaUnavailable as exc:
            self._cluster.refused = ""
            self._away("", reason=str(exc))
        return False

    async def restore_rooms(self) -> int:
        """Create the rooms that running sessions lack; return how many those were."""
        async with self._database.read() as tx:
            wanted = await standing.present_in_rooms(tx, self._owned)
        if not wanted:
            return 0
        return await self._create(wanted.keys() - (await self._rooms.list_rooms()).keys())

    async def run_once(self) -> int:
        """Compare the cluster with the database; return how many rooms differed. 0 without the lease."""
        if not await self._leads():
            return 0
        self._round += 1
        listed = await self._rooms.list_rooms()
        async with self._database.read() as tx:
            present = await standing.present_in_rooms(tx, self._owned)
            ours = await sessions.known(tx, listed.keys() - present.keys())
        differing = await self._create(present.keys() - listed.keys())
        await self._delete(ours)
        both = listed.keys() & present.keys()
        suspects = [room for room in both if listed[room] != present[room] or self._has_its_turn(room)]
        self._doubted = {room: self._doubted.get(room, 0) + 1 for room in suspects}
        places = asyncio.Semaphore(PARALLEL_LOOKS)

        async def look(room: str) -> bool:
            async with places:
                return await self._compare(room)

        return differing + sum(await asyncio.gather(*(look(room) for room in suspects)))

    def _has_its_turn(self, room: str) -> bool:
        """Spread full looks over the rounds."""
        return zlib.crc32(room.encode()) % ROUNDS_PER_FULL_LOOK == self._round % ROUNDS_PER_FULL_LOOK

    async def _compare(self, room: str) -> bool:
        async with self._database.read() as tx:
            before = await _present(tx, room)
        listed = await self._rooms.list_participants(room)
        if listed is None:
            return False
        if self._doubted[room] >= DOUBTS_BEFORE_ASKING or self._has_its_turn(room):
            # The number of people contradicts the list for some time: those of a node that was killed?
            asked = [self._rooms.is_connected(room, identity=identity) for identity in listed]
            there = await asyncio.gather(*asked)
            listed = [identity for identity, is_there in zip(listed, there, strict=True) if is_there]
        if set(listed) == before:
            return False

        async def align(tx: Transaction) -> None:
            # Whoever came or went after the engine was asked is not as its answer says.
            present = await _present(tx, room)
            identities = sorted((set(listed) | (present - before)) - (before - present))
            await self._reconcile(tx, room=room, identities=identities, cluster=self._cluster.name)

        await self._database.run(align)
        return True

    async def _returned(self) -> bool:
        """The engine answers again, or has forgotten its rooms: give them back, then note that it is well."""
        await self._check_auto_create()
        if not await self._leads():
            # Whoever leads does it; this is for the case that nobody leads any more.
            await asyncio.sleep(OTHERS_WAIT_SECONDS * (1 + random.random()))
        if not await self._guarded(self.restore_rooms):
            return False
        await self._rooms.ensure_room(WATCH_ROOM)
        await self._database.run(outbox.hurry)
        return True

    async def _check_auto_create(self) -> None:
        if self._cluster.engine is None:
            return
        finding = await look_at_auto_create(self._cluster.engine)
        self._cluster.refused = finding.text if finding.cause == "auto_create" else ""
        if self._cluster.refused:
            log.error("media_cluster_refused", cluster=self._cluster.name, reason=finding.text)

    async def _create(self, rooms: Iterable[str]) -> int:
        created = 0
        for room in sorted(rooms):
            async with self._database.read() as tx:
                metadata = await self._describe(tx, room)
            if metadata is not None:  # it has ended meanwhile
                await self._rooms.ensure_room(room, metadata=metadata)
                created += 1
        return created

    async def _delete(self, rooms: Iterable[str]) -> None:
        """Promise to delete rooms of ended sessions, and of sessions that are elsewhere."""
        gone = [{"room": room, "cluster": self._cluster.name} for room in sorted(rooms)]

        async def promise(tx: Transaction) -> None:
            rows = [outbox.row_of(outbox.ROOM_DELETE, payload, now=tx.now()) for payload in gone]
            await outbox.add_all(tx, rows)

        if gone:
            await self._database.run(promise)

    def _seen(self) -> None:
        if not self._cluster.answers:
            log.info("media_cluster_answers", cluster=self._cluster.name)
        self._cluster.answers = True

    def _away(self, refused: str, *, reason: str) -> None:
        if self._cluster.answers or (refused and not self._cluster.refused):
            log.warning("media_cluster_away", cluster=self._cluster.name, reason=refused or reason)
        self._cluster.answers = False
        self._cluster.refused = refused or self._cluster.refused

    async def _leads(self) -> bool:
        if not self._shared:
            return True
        name, seconds = f"media {self._cluster.name}", 2.5 * self._interval
        take = partial(leases.take, name=name, holder=self._holder, seconds=seconds)
        return await self._database.run(take)

    async def _step_down(self) -> None:
        if self._shared:
            try:
                name = f"media {self._cluster.name}"
                await self._database.run(partial(leases.give_back, name=name, holder=self._holder))
            except Exception:
                # The lease runs out by itself; a stopping process must not fail on it.
                log.debug("lease_not_given_back", cluster=self._cluster.name, exc_info=True)

    async def _guarded(self, work: Callable[[], Awaitable[int]]) -> bool:
        try:
            await work()
        except MediaUnavailable as exc:
            log.debug("media_engine_away", cluster=self._cluster.name, reason=str(exc))
            return False
        except Unavailable as exc:
            log.warning("reconcile_waits", reason=exc.code)
            return False
        except Exception:
            # The loop outlives a database that is away for a while.
            log.exception("reconcile_failed", cluster=self._cluster.name)
            return False
        return True


async def _present(tx: Transaction, room: str) -> set[str]:
    stays = (await participants.open_of(tx, [room])).get(room, [])
    return {stay.identity for stay in stays if stay.present}

"""Nodes answer for the event streams that they have.

Each node renews a row every second. One that is silent is given up by the others: the presence that hangs on
its streams enters its grace, in which a client may resume on another node. A node that was only asleep, or
cut off, finds itself given up and answers for its streams again.

- After an outage of the database everybody has been silent. So only a node that has renewed its own row all
  the while gives up others.
- A node that cannot reach the database, and hears over the bus that others can, sends its clients to them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from callclock_server.bus import Bus
from callclock_server.calls import presence
from callclock_server.storage import nodes
from callclock_server.storage.database import Database, Transaction

log = structlog.get_logger("callclock.nodes")

BEAT_SECONDS = 1.0
SILENT_SECONDS = 4.0
CUT_OFF_SECONDS = 6.0
BEATS_PER_SEARCH = 5
BEATS = "beats"


class RollCall:
    """`run()` until cancelled, `leave()` in the end. `cut_off` is called when only this node is without
    the database."""

    def __init__(self, database: Database, bus: Bus, *, node_id: str, cut_off: Callable[[], None]) -> None:
        self._database = database
        self._bus = bus
        self._node_id = node_id
        self._cut_off = cut_off
        self._sent_away = False
        self._beats = 0
        self._beat_at = self._steady_since = self._others_at = time.monotonic()

    async def run(self) -> None:
        """Renew the row, give up the silent, watch for being cut off."""
        unsubscribe = self._bus.subscribe(BEATS, self._heard)
        beating: asyncio.Task[None] | None = None
        try:
            while True:
                # A database that does not answer keeps the beat waiting, and must not keep the watch.
                beating = beating or asyncio.create_task(self._beat_safely())
                done, _ = await asyncio.wait({beating}, timeout=BEAT_SECONDS)
                if done:
                    beating = None
                    await asyncio.sleep(BEAT_SECONDS)
                self._watch(time.monotonic())
        finally:
            unsubscribe()
            if beating is not None:
                beating.cancel()

    async def leave(self) -> None:
        """Say good-bye, so that nobody waits for us."""
        try:
            await self._database.run(partial(nodes.remove, node_id=self._node_id))
        except Exception as exc:
            # Whatever it was: the others find out by our silence.
            log.warning("node_not_removed", reason=str(exc) or type(exc).__name__)

    async def _beat_safely(self) -> None:
        try:
            await self.beat()
        except Exception as exc:
            # The loop outlives a database that is away for a while.
            log.warning("beat_failed", reason=str(exc) or type(exc).__name__)

    async def beat(self) -> None:
        """Renew the row; give up who has been silent for long; find streams that nobody has."""
        known, gone = await self._database.run(self._renew)
        self._beat_at = time.monotonic()
        if not known and self._beats:
            log.warning("node_was_given_up", node_id=self._node_id)
        self._beats += 1
        self._bus.publish(BEATS, self._node_id)
        if gone:
            log.warning("nodes_given_up", node_ids=gone)
        if gone or (self._steady(self._beat_at) and self._beats % BEATS_PER_SEARCH == 0):
            while await self._database.run(presence.orphans_lost):
                pass

    async def _renew(self, tx: Transaction) -> tuple[bool, list[str]]:
        known = await nodes.beat(tx, self._node_id)
        # Asked only now: this beat itself may have waited for the database, and everybody else's with it.
        now = time.monotonic()
        if not known or now - self._beat_at > 2 * BEAT_SECONDS:
            self._steady_since = now
        if not self._steady(now):
            return known, []
        return known, await nodes.bury(tx, silent_since=tx.now() - timedelta(seconds=SILENT_SECONDS))

    def _steady(self, now: float) -> bool:
        return now - self._steady_since > SILENT_SECONDS

    def _heard(self, node_id: str) -> None:
        if node_id != self._node_id:
            self._others_at = time.monotonic()

    def _watch(self, now: float) -> None:
        if now - self._beat_at <= CUT_OFF_SECONDS:
            self._sent_away = False
        elif not self._sent_away and now - self._others_at <= 2 * BEAT_SECONDS:
            log.warning("cut_off_from_the_database", node_id=self._node_id)
            self._sent_away = True
            self._cut_off()

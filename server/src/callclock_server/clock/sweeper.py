"""The loop that settles sessions when their alarm comes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import NoReturn

import structlog
from sqlalchemy.exc import OperationalError

from callclock_server.bus import ALARM, Bus
from callclock_server.calls import sweep
from callclock_server.storage import sessions
from callclock_server.storage.database import Database, Transaction

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
BATCH = 250
_BACKOFF_SECONDS = 0.1
_SHORTEST_SLEEP_SECONDS = 0.0005
_TAKEN_SECONDS = 0.02


class Sweeper:
    """Settles due sessions of a database: `run()` until it is cancelled, `run_once()` in one round."""

    def __init__(
        self, database: Database, bus: Bus, *, poll_seconds: float = POLL_SECONDS, batch: int = BATCH
    ) -> None:
        self._database = database
        self._bus = bus
        self._poll_seconds = poll_seconds
        self._batch = batch
        self._next: datetime | None = None
        self._woken = asyncio.Event()

    async def run(self) -> NoReturn:
        """Settle what is due whenever it is due."""
        unsubscribe = self._bus.subscribe(ALARM, self._hear)
        failures = 0
        try:
            while True:
                try:
                    await self._round()
                    failures = 0
                except Exception:
                    # The edge of the loop: whatever it was, the next round must come.
                    failures += 1
                    log.exception("sweep_failed", failures=failures)
                    await asyncio.sleep(min(_BACKOFF_SECONDS * failures, self._poll_seconds))
                    continue
                await self._sleep()
        finally:
            unsubscribe()

    async def run_once(self) -> int:
        """Settle everything that is due now; return how many sessions that were."""
        settled = 0
        while claimed := await self._settle_batch():
            settled += claimed
            if claimed < self._batch:
                break
        return settled

    async def _round(self) -> None:
        """Settle when the known alarm has come; else only look when the next one is."""
        if self._next is None or self._next > self._database.clock.now():
            self._next = None
            async with self._database.read() as tx:
                earliest = await sessions.earliest_alarm(tx)
            self._hear(earliest)
            self._woken.clear()
            if self._next is None or self._next > self._database.clock.now():
                return
        self._next = None
        if not await self.run_once():
            # Somebody else has what is due, and is settling it: look again when that may be done.
            await asyncio.sleep(_TAKEN_SECONDS)

    async def _settle_batch(self) -> int:
        """Settle a batch in one transaction, or one by one if that fails; note the alarm that follows."""
        try:
            result, earliest = await self._database.run(self._sweep)
        except OperationalError:
            raise
        except Exception:
            log.exception("sweep_batch_failed")
            return await self._settle_singly()
        self._hear(earliest)
        return result.claimed

    async def _sweep(self, tx: Transaction) -> tuple[sweep.SweepResult, datetime | None]:
        result = await sweep.settle_due(tx, limit=self._batch)
        return result, await sessions.earliest_alarm(tx)

    async def _settle_singly(self) -> int:
        """Settle each due session in a transaction of its own, putting aside those that fail."""
        async with self._database.read() as tx:
            due = await sweep.due_cids(tx, limit=self._batch)
        for cid in due:
            try:
                await self._database.run(partial(sweep.settle_one, cid=cid))
            except OperationalError:
                raise
            except Exception:
                log.exception("session_not_settled", cid=cid)
                await self._database.run(partial(sweep.postpone, cid=cid))
        async with self._database.read() as tx:
            self._hear(await sessions.earliest_alarm(tx))
        return len(due)

    def _hear(self, at: datetime | None) -> None:
        """Wake up for an alarm that is nearer than the one we sleep for."""
        if at is not None and (self._next is None or at < self._next):
            self._next = at
            self._woken.set()

    async def _sleep(self) -> None:
        """Sleep until the known alarm, a nearer one, or the next poll."""
        self._woken.clear()
        seconds = self._poll_seconds
        if self._next is not None:
            until = (self._next - self._database.clock.now()).total_seconds()
            seconds = min(seconds, max(until, _SHORTEST_SLEEP_SECONDS))
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

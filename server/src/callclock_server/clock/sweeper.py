"""The loop that settles sessions when their alarm comes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import NoReturn

import structlog

from callclock_server.bus import ALARM, Bus
from callclock_server.calls import plan, sweep
from callclock_server.domain.errors import Unavailable
from callclock_server.storage import sessions
from callclock_server.storage.database import Database, Transaction

from .planner import HORIZON, Planner

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
BATCH = 250
PLANS_AT_ONCE = 1000
SIDE_BY_SIDE = 3
_PLAN_EVERY_SECONDS = 0.5
_BACKOFF_SECONDS = 0.05
# A database that is back is found within this: it is a part of the second by which an end may be late.
_LONGEST_BACKOFF_SECONDS = 0.25
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
        self._more = False
        self._woken = asyncio.Event()
        self._planner = Planner(database) if Planner.useful_for(database) else None
        self._planning: asyncio.Task[None] | None = None
        self._plan_after = 0.0

    async def run(self) -> NoReturn:
        """Settle what is due whenever it is due."""
        unsubscribe = self._bus.subscribe(ALARM, self._hear)
        failures = 0
        try:
            while True:
                try:
                    await self._round()
                    failures = 0
                except Unavailable as exc:
                    failures += 1
                    log.warning("sweep_waits", failures=failures, reason=exc.code)
                    await asyncio.sleep(min(_BACKOFF_SECONDS * failures, _LONGEST_BACKOFF_SECONDS))
                    continue
                except Exception:
                    # The edge of the loop: whatever it was, the next round must come.
                    failures += 1
                    log.exception("sweep_failed", failures=failures)
                    await asyncio.sleep(min(_BACKOFF_SECONDS * failures, _LONGEST_BACKOFF_SECONDS))
                    continue
                await self._sleep()
        finally:
            unsubscribe()
            if self._planning is not None:
                self._planning.cancel()

    async def plan_ahead(self) -> int:
        """Plan the alarms of the next seconds, where that is possible; return how many plans were made."""
        return 0 if self._planner is None else await self._planner.run_once()

    async def run_once(self) -> int:
        """Settle everything that is due now; return how many sessions that were."""
        settled = await self._carry_out_plans()
        while claimed := await self._settle_batch():
            settled += claimed
            if claimed < self._batch and not self._more:
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
            self._plan_in_background()
            if self._next is None or self._next > self._database.clock.now():
                return
        self._next = None
        if not await self.run_once():
            # Somebody else has what is due, and is settling it: look again when that may be done.
            await asyncio.sleep(_TAKEN_SECONDS)
        self._plan_in_background()

    async def _carry_out_plans(self) -> int:
        """Carry out the plans that are due, in transactions side by side: one writes while one commits."""
        planner = self._planner
        if planner is None:
            return 0

        async def carry_out() -> int:
            done = 0
            while plans := planner.take_due(now=self._database.clock.now(), limit=PLANS_AT_ONCE):
                done += await self._database.run(partial(plan.carry_out, plans=plans))
            return done

        return sum(await asyncio.gather(*(carry_out() for _ in range(SIDE_BY_SIDE))))

    def _plan_in_background(self) -> None:
        """Start planning when an alarm is near, a new round at most every half second."""
        loop = asyncio.get_running_loop()
        if self._planner is None or self._next is None or loop.time() < self._plan_after:
            return
        busy = self._planning is not None and not self._planning.done()
        if not busy and self._next - self._database.clock.now() <= HORIZON:
            self._plan_after = loop.time() + _PLAN_EVERY_SECONDS
            self._planning = loop.create_task(self._plan_safely())

    async def _plan_safely(self) -> None:
        try:
            await self.plan_ahead()
        except Unavailable as exc:
            log.warning("planning_waits", reason=exc.code)
        except Exception:
            # Without a plan everything is settled all the same, only less quickly.
            log.exception("planning_failed")

    async def _settle_batch(self) -> int:
        """Settle a batch in one transaction, or one by one if that fails; note the alarm that follows."""
        try:
            result, earliest = await self._database.run(self._sweep)
        except Unavailable:
            raise
        except Exception:
            log.exception("sweep_batch_failed")
            return await self._settle_singly()
        self._hear(earliest)
        return result.claimed

    async def _sweep(self, tx: Transaction) -> tuple[sweep.SweepResult, datetime | None]:
        result = await sweep.settle_due(tx, limit=self._batch)
        earliest = await sessions.earliest_alarm(tx)
        # A call that opens by itself has its turn when no session is due.
        self._more = earliest is not None and earliest <= tx.now()
        return result, earliest

    async def _settle_singly(self) -> int:
        """Settle each due session in a transaction of its own, putting aside those that fail."""
        async with self._database.read() as tx:
            due = await sweep.due_cids(tx, limit=self._batch)
        for cid in due:
            try:
                await self._database.run(partial(sweep.settle_one, cid=cid))
            except Unavailable:
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

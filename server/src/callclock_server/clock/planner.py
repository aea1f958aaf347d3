"""Keeps the plans of sessions whose alarm is near (see `calls.plan`): makes, renews and hands them out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush

from callclock_server.calls import plan
from callclock_server.storage.database import Database
from callclock_server.storage.prepared import Prepared, Upcoming

HORIZON = timedelta(seconds=15)
# What is nearer than this is due before a plan of it is ready.
TOO_NEAR = timedelta(milliseconds=50)
MOST_PLANS = 20_000
SLICE = 100


class Planner:
    """Plans for the alarms of the next seconds. One task plans at a time; anybody may take."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plans: dict[str, Prepared] = {}
        self._order: list[tuple[datetime, float, str, Prepared]] = []

    @staticmethod
    def useful_for(database: Database) -> bool:
        """Whether the database can tell that a row is still the one that was read."""
        return database.engine.dialect.name == "postgresql"

    def __len__(self) -> int:
        return len(self._plans)

    async def run_once(self) -> int:
        """Plan what comes within the horizon and is not planned yet, or has changed; return how many."""
        now = self._database.clock.now()
        async with self._database.read() as tx:
            listed = await plan.upcoming(tx, until=now + HORIZON, limit=MOST_PLANS)
        ahead = {one.cid: one for one in listed}
        for cid in [cid for cid in self._plans if cid not in ahead]:
            del self._plans[cid]
        lacking = [one for one in listed if self._lacks(one)]
        made = 0
        for begin in range(0, len(lacking), SLICE):
            soon = self._database.clock.now() + TOO_NEAR
            made += await self._plan(
                [one.cid for one in lacking[begin : begin + SLICE] if one.alarm_at > soon]
            )
            await asyncio.sleep(0)  # whoever waits for the loop comes first
        return made

    def take_due(self, *, now: datetime, limit: int) -> Sequence[Prepared]:
        """Hand out up to `limit` plans whose alarm has come, the earliest first; they are kept no longer."""
        taken: list[Prepared] = []
        while self._order and len(taken) < limit and self._order[0][0] <= now:
            one = heappop(self._order)[3]
            if self._plans.get(one.of.cid) is one:
                del self._plans[one.of.cid]
                taken.append(one)
        return taken

    def _lacks(self, one: Upcoming) -> bool:
        known = self._plans.get(one.cid)
        return known is None or known.of != one

    async def _plan(self, cids: Sequence[str]) -> int:
        if not cids:
            return 0
        async with self._database.read() as tx:
            plans = await plan.prepare(tx, cids)
        for one in plans:
            self._plans[one.of.cid] = one
            # Those of one moment in an order of this process's own: nodes that carry out the same plans at
            # the same time then seldom want the same calls.
            heappush(self._order, (one.of.alarm_at, random.random(), one.of.cid, one))
        return len(plans)

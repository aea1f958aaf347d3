"""Moves a test clock on, so that users' tests see an hour pass in milliseconds.

Time is not jumped over: the clock stops at every alarm on the way, and what is due there is settled, told and
carried to the media engine before it goes on. What a test reads afterwards is what it would have read had it
waited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from callclock_server.domain.errors import IdempotencyKeyReused
from callclock_server.storage import events, sessions
from callclock_server.storage.database import Database
from callclock_server.timekeeping import FakeClock

from .sweeper import Sweeper


class TimeTravel:
    """The test clock of one server. `perform` does what is due in the outbox, and returns how much it was."""

    def __init__(
        self,
        *,
        database: Database,
        clock: FakeClock,
        sweeper: Sweeper,
        perform: Callable[[], Awaitable[int]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._sweeper = sweeper
        self._perform = perform
        self._turn = asyncio.Lock()
        self._answered: dict[str, tuple[float, datetime]] = {}

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._clock.now()

    async def catch_up(self) -> None:
        """Start no earlier than the newest event of the database: time never goes back."""
        async with self._database.read() as tx:
            newest = await events.last_created_at(tx)
        if newest is not None:
            self._clock.move_to(max(newest, self._clock.now()))

    async def advance(self, seconds: float, *, key: str | None = None) -> datetime:
        """Move on by `seconds`; return the new time when everything up to it is committed and told.

        A repeated `key` moves nothing and returns the first answer; with other seconds it raises
        `IdempotencyKeyReused`. Keys live as long as the clock: in this process.
        """
        async with self._turn:
            if key is not None and key in self._answered:
                before, answer = self._answered[key]
                if before != seconds:
                    raise IdempotencyKeyReused(field="Idempotency-Key")
                return answer
            await self._go_to(self._clock.now() + timedelta(seconds=seconds))
            if key is not None:
                self._answered[key] = (seconds, self._clock.now())
            return self._clock.now()

    async def _go_to(self, target: datetime) -> None:
        await self._settle()
        while (alarm := await self._earliest()) is not None and self._clock.now() < alarm <= target:
            self._clock.move_to(alarm)
            await self._settle()
        self._clock.move_to(target)
        await self._settle()

    async def _settle(self) -> None:
        """Settle what is due now, and see its effects done."""
        await self._sweeper.run_once()
        while await self._perform():
            pass

    async def _earliest(self) -> datetime | None:
        async with self._database.read() as tx:
            return await sessions.earliest_alarm(tx)

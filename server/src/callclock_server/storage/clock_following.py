"""Reads PostgreSQL's clock, which decides where the clocks of nodes disagree (design rule 9)."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from callclock_server.timekeeping import FollowingClock

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
READINGS = 4
NOTEWORTHY_SECONDS = 0.5


async def read_clock(engine: AsyncEngine, clock: FollowingClock) -> None:
    """Let `clock` learn from a few readings in a row: the quickest answer tells the most."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        try:
            for _ in range(READINGS):
                asked_at = clock.ticks()
                reading = await driver.fetchval("SELECT clock_timestamp()")
                clock.learn(reading, asked_at=asked_at, answered_at=clock.ticks())
        except BaseException:
            # The pool does not see what happens on the driver itself: nobody else is to wait for this one.
            await connection.invalidate()
            raise


async def follow(engine: AsyncEngine, clock: FollowingClock) -> NoReturn:
    """Go on reading. While the database is away the clock goes on by itself."""
    noted = 0.0
    while True:
        if abs(clock.ahead_seconds - noted) > NOTEWORTHY_SECONDS:
            noted = clock.ahead_seconds
            log.warning("machine_clock_differs", database_ahead_seconds=round(noted, 3))
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await read_clock(engine, clock)
        except (SQLAlchemyError, OSError, TimeoutError) as exc:
            log.info("database_clock_not_read", reason=type(exc).__name__)

"""Looks at a database as an operator would, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from callclock_server.timekeeping import Clock

from .availability import opening
from .engine import create_engine
from .migrate import Standing, standing
from .postgresql import POOL_SIZE
from .tables import nodes

READINGS = 3


@dataclass(frozen=True, slots=True)
class Node:
    """A process that works on the database, and for how long it was not heard of."""

    id: str
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class Connections:
    """How many connections PostgreSQL allows and has now, and how many one process takes at most."""

    allowed: int
    taken: int
    per_node: int


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """What was found. `ahead_seconds` and `connections` are None on SQLite, which has neither."""

    standing: Standing
    ahead_seconds: float | None
    connections: Connections | None
    nodes: tuple[Node, ...]


async def look(url: str, *, clock: Clock, pool_size: int = POOL_SIZE) -> DatabaseLook:
    """Look at the database; `clock` is the machine's. Raises `DatabaseUnusable`."""
    with opening(url):
        return await _look(url, clock, pool_size)


async def _look(url: str, clock: Clock, pool_size: int) -> DatabaseLook:
    engine = create_engine(url)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(standing)
            served = engine.dialect.name != "sqlite"
            ahead = await _ahead_seconds(connection, clock) if served else None
            return DatabaseLook(
                standing=found,
                ahead_seconds=ahead,
                connections=await _connections(connection, pool_size) if served else None,
                nodes=()
                if found is Standing.OLD
                else await _nodes(connection, clock.now() + timedelta(seconds=ahead or 0.0)),
            )
    finally:
        await engine.dispose()


async def _ahead_seconds(connection: AsyncConnection, clock: Clock) -> float:
    """How far the database's clock is ahead; of a few readings the quickest tells the most."""
    readings: list[tuple[float, float]] = []
    for _ in range(READINGS):
        asked_at = clock.now()
        told = (await connection.execute(sa.text("SELECT clock_timestamp()"))).scalar_one()
        answered_at = clock.now()
        half_way = asked_at + (answered_at - asked_at) / 2
        readings.append(((answered_at - asked_at).total_seconds(), (told - half_way).total_seconds()))
    return min(readings)[1]


async def _connections(connection: AsyncConnection, per_node: int) -> Connections:
    allowed = sa.text(
        "SELECT current_setting('max_connections')::int, count(*)::int FROM pg_stat_activity"
        " WHERE backend_type = 'client backend'"
    )
    row = (await connection.execute(allowed)).one()
    return Connections(allowed=row[0], taken=row[1], per_node=per_node)


async def _nodes(connection: AsyncConnection, now: datetime) -> tuple[Node, ...]:
    rows = (await connection.execute(sa.select(nodes.c.id, nodes.c.beat_at).order_by(nodes.c.id))).all()
    return tuple(Node(row.id, max(0.0, (now - row.beat_at).total_seconds())) for row in rows)

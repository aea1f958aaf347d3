"""What only SQLite needs: its driver's threads, pragmas, explicit transactions.

aiosqlite sends every step of every statement (open, execute, fetch, close) to the connection's thread and
back; for statements of a few microseconds those trips were four fifths of the sweeper's time. Here a
statement is one trip, and inside a write transaction none: once BEGIN IMMEDIATE has got the lock nothing can
make a statement by key wait, so it runs where it is. What may wait or reach the disk (BEGIN, COMMIT, reads
outside of a write transaction) stays with the thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_TIMEOUT_SECONDS = 5.0
BEGIN_WRITE = "BEGIN IMMEDIATE"

# synchronous=FULL: with WAL, NORMAL may lose the last commits at a power cut. An acknowledged extension must
# not be lost, and one fsync for each commit is well within the clock's targets (see bench/clock.py).
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
)


class DirectConnection(aiosqlite.Connection):
    """An aiosqlite connection with fewer trips to its thread (see above). One task uses it at a time."""

    _writing = False

    def cursor(self) -> Any:
        """Return a cursor; it is its own context manager."""
        return DirectCursor(self, self._conn.cursor())

    async def run(self, statement: str, function: Any) -> Any:
        """Run one statement's work, here or in the thread."""
        if self._writing:
            return function()
        result = await self._execute(function)  # type: ignore[no-untyped-call]
        self._writing = statement == BEGIN_WRITE
        return result

    async def commit(self) -> None:
        """Commit in the thread: it waits for the disk."""
        self._writing = False
        await super().commit()

    async def rollback(self) -> None:
        """Roll back, if there is anything to."""
        self._writing = False
        if self._conn.in_transaction:
            await super().rollback()


class DirectCursor:
    """A cursor that executes and fetches everything in one go."""

    def __init__(self, connection: DirectConnection, cursor: sqlite3.Cursor) -> None:
        self._connection = connection
        self._cursor = cursor
        self._rows: list[Any] = []

    async def __aenter__(self) -> DirectCursor:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> DirectCursor:
        self._rows = await self._connection.run(statement, partial(self._all, statement, parameters))
        return self

    def _all(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> DirectCursor:
        await self._connection.run(statement, partial(self._cursor.executemany, statement, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._cursor.close()

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid


def check_references(connection: Connection) -> None:
    """Raise `IntegrityError` for a row that refers to none, after work without foreign keys."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise sqlite3.IntegrityError(f"rows refer to rows that do not exist: {broken[:5]}")


def engine_options(url: sa.URL) -> dict[str, Any]:
    """Return the options for `create_async_engine`; empty for another database."""
    if url.get_backend_name() != "sqlite":
        return {}

    async def connect() -> aiosqlite.Connection:
        connector = partial(
            sqlite3.connect,
            url.database or "",
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,  # the driver must not begin or commit by itself
            check_same_thread=False,
        )
        connection = DirectConnection(connector, iter_chunk_size=64)
        connection._thread.daemon = True
        try:
            return await connection
        except sqlite3.Error:
            # The thread has something to say to the loop, which may be closed soon.
            await asyncio.to_thread(connection._thread.join)
            raise

    return {"pool_size": 8, "max_overflow": 8, "async_creator": connect}


def prepare(engine: AsyncEngine, *, foreign_keys: bool = True) -> None:
    """Set the pragmas of every connection, and let transactions begin when we say so."""
    pragmas = _PRAGMAS if foreign_keys else (*_PRAGMAS, "PRAGMA foreign_keys=OFF")

    @sa.event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("callclock_write", False)
        connection.exec_driver_sql(BEGIN_WRITE if writes else "BEGIN")

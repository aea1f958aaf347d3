"""The database: open it, and open transactions on it.

Every write happens in `async with database.write() as tx`, every read in `async with database.read() as tx`.
SQLite has one writer: `write()` queues inside the process and takes the file's write lock at once (BEGIN
IMMEDIATE), so that a transaction never fails half-way because another process got there first. On PostgreSQL
writers run side by side and take turns by the locks that the package describes; one that loses a race all the
same (a deadlock, a row that another inserted first) is undone. `database.run(deed)` runs it again.

What a transaction wants to be known outside (new events, a nearer alarm, work in the outbox) it collects in
`tx.hint`; listeners get it after the commit, never before, and never after a rollback. A hint only shortens a
wait: everything in it can be read from the tables.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callclock_server.domain.errors import CallclockError, DatabaseUnavailable
from callclock_server.domain.rules import Rules
from callclock_server.timekeeping import Clock, FollowingClock, SystemClock

from . import postgresql
from .availability import committing, connected, opening
from .clock_following import follow, read_clock
from .driver import fetch
from .engine import async_url, create_engine

log = structlog.get_logger(__name__)

# No call's id begins like this.
NOTICE = "!"

ATTEMPTS = 8
_LONGEST_PAUSE_SECONDS = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it is stored, or a notice. `payload` is its JSON text without `server_time`."""

    position: int
    cid: str
    id: int
    type: str
    payload: str

    @property
    def notice_channel(self) -> str | None:
        """The bus channel of a notice, which belongs to no call; None for an event of a call."""
        return self.cid[len(NOTICE) :] if self.cid.startswith(NOTICE) else None

    def render(self, server_time: str) -> str:
        """Return the JSON text to send, stamped with `server_time` (RFC 3339)."""
        return f'{{"server_time":"{server_time}",{self.payload[1:]}'


@dataclass(slots=True)
class Hint:
    """What a committed transaction brought: new events in order, the nearest new alarm, outbox work."""

    events: list[EventRow] = field(default_factory=list)
    alarm_at: datetime | None = None
    outbox: bool = False

    def alarm(self, at: datetime | None) -> None:
        """Note an alarm; the nearest one is kept."""
        if at is not None and (self.alarm_at is None or at < self.alarm_at):
            self.alarm_at = at

    def copy(self) -> Hint:
        return Hint(list(self.events), self.alarm_at, self.outbox)


Sign = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a record and returns it as it is to be told: `{record, signature}`."""


def _unsigned(record: dict[str, Any]) -> dict[str, Any]:
    return {"record": record}


class Transaction:
    """An open transaction: SQL goes through it, and it knows what time it is."""

    def __init__(
        self, connection: AsyncConnection, *, clock: Clock, rules: Rules, sign: Sign, writes: bool
    ) -> None:
        self.connection = connection
        self.rules = rules
        self.sign = sign
        self.writes = writes
        self.hint = Hint()
        self._clock = clock
        self._now: datetime | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._kept: tuple[Any, Hint, int] | None = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def now(self) -> datetime:
        """Return the time of this transaction: read once, after the locks were taken."""
        if self._now is None:
            self._now = self._clock.now()
        return self._now

    def lock_taken(self) -> None:
        """Read the time anew: whoever had the lock before us wrote later times than that of our beginning."""
        self._now = None

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the commit; not at all if there is none."""
        self._callbacks.append(callback)

    async def execute(self, statement: sa.Executable, rows: Any = None) -> CursorResult[Any]:
        """Run a statement; with a list of `rows`, once for each of them."""
        return await self.connection.execute(statement, rows)

    async def all(self, statement: sa.Executable, values: Any = None) -> Sequence[sa.Row[Any]]:
        """Return all rows of a query."""
        return (await self.connection.execute(statement, values)).all()

    async def first(self, statement: sa.Executable) -> sa.Row[Any] | None:
        """Return the first row of a query, or None."""
        return (await self.connection.execute(statement)).first()

    async def scalar(self, statement: sa.Executable) -> Any:
        """Return the first column of the first row, or None."""
        return (await self.connection.execute(statement)).scalar()

    async def fetch(self, statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """Run SQL of PostgreSQL's with `$1` for its first parameter; return the driver's own rows."""
        return await fetch(self.connection, statement, parameters)

    async def keep_so_far(self) -> None:
        """Make what was written until now outlive a refusal (design rule 4).

        A use case that finds a session past its deadline settles it and calls this; if it then raises a
        `CallclockError`, what follows is undone and the settlement is committed.
        """
        savepoint = await self.connection.begin_nested()
        self._kept = (savepoint, self.hint.copy(), len(self._callbacks))

    async def _refused(self) -> bool:
        """Undo what came after `keep_so_far`; return whether there is anything to commit."""
        if self._kept is None:
            return False
        savepoint, self.hint, callbacks = self._kept
        del self._callbacks[callbacks:]
        await savepoint.rollback()
        return True


class Database:
    """A database and its transactions. `await Database.open(url)`, and `await close()` in the end."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, rules: Rules, sign: Sign) -> None:
        self.engine = engine
        self.clock = clock
        self.rules = rules
        self.sign = sign
        # Both on the same pool.
        self._write_engine = engine.execution_options(callclock_write=True)
        self._read_engine = engine.execution_options(**postgresql.reading(engine))
        self._writer = asyncio.Lock()
        self._one_writer = engine.dialect.name == "sqlite"
        self._listeners: list[Callable[[Hint], None]] = []
        self._following: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        rules: Rules | None = None,
        sign: Sign | None = None,
        pool_size: int = postgresql.POOL_SIZE,
    ) -> Database:
        """Connect to `url` (`sqlite:///file` or `postgresql://...`); raises `DatabaseUnusable`.

        Without a `clock` the one that belongs to the database decides (`clock_for`); a `FollowingClock` is
        kept in step with it. `sign` is what transactions sign records with; without it they stay unsigned.
        """
        with opening(url):
            engine = create_engine(url, pool_size=pool_size)
            database = cls(
                engine, clock=clock or clock_for(url), rules=rules or Rules(), sign=sign or _unsigned
            )
            try:
                await database._first_look()
            except BaseException:
                await engine.dispose()
                raise
        return database

    async def _first_look(self) -> None:
        async with self.read() as tx:
            await tx.execute(sa.text("SELECT 1"))
        if isinstance(self.clock, FollowingClock):
            await read_clock(self.engine, self.clock)
            self._following = asyncio.create_task(follow(self.engine, self.clock), name="clock")

    async def close(self) -> None:
        """Close all connections."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.engine.dispose()

    def on_hint(self, listener: Callable[[Hint], None]) -> None:
        """Call `listener` with the hint of every commit that brought something. It must not block."""
        self._listeners.append(listener)

    async def run(self, deed: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run `deed` in a write transaction; again from its beginning when it lost a race with another, and
        once more when the connection was closed before the commit.

        Whatever `deed` keeps outside of the transaction it must be able to do again. Raises what `deed`
        raises, and the database's error after `ATTEMPTS` lost races. `OutcomeUnknown` is left to the caller:
        the deed may have been done.
        """
        again = False
        for attempt in range(1, ATTEMPTS):
            try:
                async with self.write() as tx:
                    return await deed(tx)
            except DBAPIError as exc:
                if self._one_writer or not postgresql.lost_race(exc):
                    raise
                log.info("race_lost", attempt=attempt, reason=postgresql.sqlstate(exc))
            except DatabaseUnavailable as exc:
                if again or not postgresql.cut_off(exc.__cause__):
                    raise
                again = True
            await asyncio.sleep(random.uniform(0, min(0.005 * 2**attempt, _LONGEST_PAUSE_SECONDS)))
        async with self.write() as tx:
            return await deed(tx)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads; it sees one consistent state."""
        async with connected(self._read_engine) as connection:
            yield Transaction(connection, clock=self.clock, rules=self.rules, sign=self.sign, writes=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Open a transaction that is committed at the end of the block, or undone by an exception."""
        if not self._one_writer:
            async with self._write() as tx:
                yield tx
            return
        async with self._writer, self._write() as tx:
            yield tx

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Transaction]:
        async with connected(self._write_engine) as connection:
            await connection.begin()
            tx = Transaction(connection, clock=self.clock, rules=self.rules, sign=self.sign, writes=True)
            try:
                yield tx
            except CallclockError:
                if await tx._refused():
                    await self._commit(tx)
                raise
            await self._commit(tx)

    async def _commit(self, tx: Transaction) -> None:
        with committing():
            await tx.connection.commit()
        self._announce(tx)

    def _announce(self, tx: Transaction) -> None:
        hint = tx.hint
        try:
            if hint.events or hint.alarm_at is not None or hint.outbox:
                for listener in self._listeners:
                    listener(hint)
            for callback in tx._callbacks:
                callback()
        except Exception:
            # The commit stands; whoever missed the hint reads the tables at its next poll.
            log.exception("hint_lost")


def clock_for(url: str) -> Clock:
    """Return the clock that decides with this database: PostgreSQL's own, or with SQLite the machine's.

    Raises `DatabaseUnusable` for what is no URL of a database.
    """
    with opening(url):
        backend = async_url(url).get_backend_name()
    return FollowingClock() if backend == "postgresql" else SystemClock()

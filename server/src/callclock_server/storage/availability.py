"""When the database is away, or cannot be used at all: the one place that reads drivers' errors for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callclock_server.domain.errors import DatabaseUnavailable, OutcomeUnknown

from .postgresql import LOCK_NOT_AVAILABLE, sqlstate

log = structlog.get_logger(__name__)

_AWAY = frozenset(
    {
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now: starting, or stopping
        "25P03",  # idle_in_transaction_session_timeout: we slept with locks in our hands
        "53300",  # too_many_connections
        "53100",  # disk_full
        "53200",  # out_of_memory
        "25006",  # read_only_sql_transaction: this server is not the primary any more
    }
)
_REFUSED = frozenset({"28P01", "28000"})
_NO_DATABASE = "3D000"
_NO_RIGHT = "42501"


class DatabaseUnusable(Exception):
    """The database cannot be used as it is configured. `remedy` says how to mend it."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy


def is_away(exc: BaseException) -> bool:
    """Tell whether the database did not answer: the same request may succeed in a moment."""
    if isinstance(exc, sa.exc.TimeoutError | TimeoutError | OSError):
        return True
    state = sqlstate(exc)
    if state is not None:
        return state in _AWAY or state.startswith("08") or state == LOCK_NOT_AVAILABLE
    if not isinstance(exc, DBAPIError):
        return False
    on_sqlite = isinstance(exc, OperationalError) and "sqlite" in type(exc.orig).__module__
    return exc.connection_invalidated or on_sqlite


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Lend a connection; raises `DatabaseUnavailable` when the database is away, now or in between."""
    try:
        async with engine.connect() as connection:
            yield connection
    except Exception as exc:
        if not is_away(exc):
            raise
        log.warning("database_away", reason=reason(exc))
        raise DatabaseUnavailable from exc


@contextmanager
def committing() -> Iterator[None]:
    """Around a commit: raises `OutcomeUnknown` when the connection was lost in the middle of it."""
    try:
        yield
    except Exception as exc:
        if not is_away(exc):
            raise
        log.warning("commit_unanswered", reason=reason(exc))
        raise OutcomeUnknown from exc


def reason(exc: BaseException) -> str:
    """Return one line on what happened, for a log."""
    cause = exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc
    return f"{type(cause).__name__}: {cause}".splitlines()[0][:200]


@contextmanager
def opening(url: str) -> Iterator[None]:
    """Around the first use of a database: raises `DatabaseUnusable` with a sentence for the operator."""
    try:
        yield
    except (DatabaseUnavailable, DBAPIError, OSError, TimeoutError) as exc:
        cause = exc.__cause__ if isinstance(exc, DatabaseUnavailable) and exc.__cause__ else exc
        raise _unusable(cause, sa.make_url(url)) from exc
    except (ArgumentError, NoSuchModuleError) as exc:
        raise DatabaseUnusable(
            "CALLCLOCK_DATABASE_URL is not the URL of a database that Callclock can use.",
            "Write it as postgresql://user:password@host/database, or leave it out to use a SQLite file.",
        ) from exc


def _unusable(exc: BaseException, url: sa.URL) -> DatabaseUnusable:
    state = sqlstate(exc)
    if url.get_backend_name() == "sqlite":
        return DatabaseUnusable(
            f"The database file {url.database} cannot be used: {reason(exc)}.",
            "Check CALLCLOCK_DATABASE_URL or CALLCLOCK_DATA_DIR, and the rights on the file and its folder.",
        )
    where = f"{url.host or 'localhost'}:{url.port or 5432}"
    if state in _REFUSED:
        return DatabaseUnusable(
            f"PostgreSQL at {where} refuses the user {url.username}: {_said(exc)}.",
            "Correct the user and the password in CALLCLOCK_DATABASE_URL.",
        )
    if state == _NO_DATABASE:
        return DatabaseUnusable(
            f"PostgreSQL at {where} has no database {url.database}.",
            f"Create it with `createdb {url.database}`, or correct CALLCLOCK_DATABASE_URL.",
        )
    if state == _NO_RIGHT:
        return DatabaseUnusable(
            f"PostgreSQL at {where} does not let the user {url.username} do it: {_said(exc)}.",
            f"Make {url.username} the owner of the database {url.database}.",
        )
    if is_away(exc):
        return DatabaseUnusable(
            f"PostgreSQL at {where} does not answer: {_said(exc)}.",
            "Start it, or correct host and port in CALLCLOCK_DATABASE_URL.",
        )
    return DatabaseUnusable(
        f"The database {url.database} at {where} cannot be used: {_said(exc)}.",
        "Check CALLCLOCK_DATABASE_URL; `callclock doctor` says more.",
    )


def _said(exc: BaseException) -> str:
    """Return the driver's own words, without its name and without the statement."""
    cause = exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    words = str(getattr(cause, "strerror", None) or cause).rpartition(">: ")[2].splitlines()
    return (words[0] if words else type(cause).__name__).rstrip(".")

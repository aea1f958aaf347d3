"""What only PostgreSQL needs: options of its connections, and what its errors mean."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

CONNECT_WITHIN_SECONDS = 3.0
ANSWER_WITHIN_SECONDS = 6.0
CONNECTION_WITHIN_SECONDS = 8.0
POOL_SIZE = 10

# A process that is stopped in the middle of a transaction, or cut off, must not keep its locks: all others
# would wait for them, and calls would outlive their time.
_SESSION = {
    "application_name": "callclock",
    "jit": "off",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "4s",
}
# A migration may take long, but must not wait for a lock: everybody else would queue behind it.
_MIGRATING_SESSION = {**_SESSION, "lock_timeout": "1s", "idle_in_transaction_session_timeout": "0"}

LOCK_NOT_AVAILABLE = "55P03"  # waited for it too long
_LOST_RACE = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "23505",  # unique_violation: another inserted it after we had looked
        "23503",  # foreign_key_violation: another deleted what we refer to, or refers to what we delete
        "0A000",  # a cached plan no longer fits, after a migration
    }
)


def engine_options(*, pool_size: int, migrates: bool) -> dict[str, Any]:
    """Return the options for `create_async_engine`."""
    return {
        "pool_size": pool_size,
        "max_overflow": 0,
        # The connections used last know the statements already: a rotation would prepare each on all of them.
        "pool_use_lifo": True,
        "pool_timeout": CONNECTION_WITHIN_SECONDS,
        "connect_args": {
            "timeout": CONNECT_WITHIN_SECONDS,
            "command_timeout": None if migrates else ANSWER_WITHIN_SECONDS,
            "server_settings": _MIGRATING_SESSION if migrates else _SESSION,
        },
    }


def prepare(engine: AsyncEngine) -> None:
    """Let the pool hand out no connection that is closed or doubtful, without asking the server each time."""

    @sa.event.listens_for(engine.sync_engine, "checkout")
    def refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError

    @sa.event.listens_for(engine.sync_engine, "handle_error")
    def doubt_all(context: Any) -> None:
        # No answer in time: whatever cut this connection off has cut off those that rest in the pool.
        if isinstance(context.original_exception, TimeoutError | OSError):
            context.is_disconnect = True


def reading(engine: AsyncEngine) -> dict[str, Any]:
    """Return the execution options of a transaction that only reads, from one snapshot."""
    if engine.dialect.name != "postgresql":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def lost_race(error: DBAPIError) -> bool:
    """Tell whether the same transaction, run again, would find what another has committed meanwhile."""
    return sqlstate(error) in _LOST_RACE


def cut_off(error: BaseException | None) -> bool:
    """Tell whether the connection was closed in the middle of a transaction, which is undone by that.

    PostgreSQL does so to a process that does not go on with it (`idle_in_transaction_session_timeout`).
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated


def sqlstate(error: BaseException) -> str | None:
    """Return the five characters by which PostgreSQL names an error; None for another one."""
    source = error.orig if isinstance(error, DBAPIError) else error
    state: str | None = getattr(source, "sqlstate", None)
    return state

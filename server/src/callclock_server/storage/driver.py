"""The driver's own calls for the statements that run most often on PostgreSQL.

SQLAlchemy takes four to seven times as long over a short statement as the driver under it. It still opens the
transaction, ends it, and judges what goes wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection


async def fetch(connection: AsyncConnection, statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
    """Run a statement of PostgreSQL's dialect in the connection's transaction; return its rows, raw.

    Raises what SQLAlchemy would: a `DBAPIError` with the driver's error in it.
    """
    driver: Any = connection.sync_connection and connection.sync_connection.connection.driver_connection
    if not driver.is_in_transaction():
        # SQLAlchemy begins a transaction with its first statement.
        result = await connection.exec_driver_sql(statement, tuple(parameters))
        return result.all() if result.returns_rows else ()
    try:
        rows: Sequence[Any] = await driver.fetch(statement, *parameters)
    except BaseException as exc:
        await connection.run_sync(_judge, exc, statement)
        raise
    return rows


def _judge(connection: Connection, error: BaseException, statement: str) -> None:
    """Raise the error as SQLAlchemy does for its own statements.

    It also gives up the connection, or the whole pool, where the error says so. Not public, but the same
    method since its first releases; the tests of outages and races hold it to this.
    """
    try:
        if isinstance(error, Exception):
            adapter: Any = connection.connection.dbapi_connection
            adapter._handle_exception(error)
        raise error
    except BaseException as translated:
        connection._handle_dbapi_exception(translated, statement, None, None, context=None)

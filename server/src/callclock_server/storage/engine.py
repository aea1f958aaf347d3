"""Engines: a URL in, connections of the right driver and with the right options out."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from . import postgresql, sqlite

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_PARAMETERS = frozenset({"host", "ssl", "sslmode", "prepared_statement_cache_size"})


def create_engine(url: str, *, migrates: bool = False, pool_size: int = postgresql.POOL_SIZE) -> AsyncEngine:
    """Return an engine for `url` (`sqlite:///file`, `postgresql://user:password@host/database`).

    One that `migrates` leaves SQLite's foreign keys to be checked by the caller, and waits long for an answer
    but not for a lock. `pool_size` is how many connections to PostgreSQL it holds at most. Raises
    SQLAlchemy's `ArgumentError` for anything that is not such a URL.
    """
    parsed = async_url(url)
    options: dict[str, Any] = {
        "json_serializer": _dumps,
        "json_deserializer": orjson.loads,
        # Names, reasons and custom data of people would stand in the log of every fault.
        "hide_parameters": True,
    }
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed, **options, **sqlite.engine_options(parsed))
        sqlite.prepare(engine, foreign_keys=not migrates)
        return engine
    options |= postgresql.engine_options(pool_size=pool_size, migrates=migrates)
    if parsed.query.get("prepared_statement_cache_size") == "0":
        # Behind a pooler that gives every transaction another connection: the driver must keep none either.
        options["connect_args"]["statement_cache_size"] = 0
    engine = create_async_engine(parsed, **options)
    postgresql.prepare(engine)
    return engine


def async_url(url: str) -> sa.URL:
    """Return the URL with the async driver that belongs to its database."""
    try:
        parsed = make_url(url)
    except ValueError:
        # It names what stands where a port should be: perhaps a part of the password.
        raise ArgumentError("the port of a database URL must be a number") from None
    driver = _DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise ArgumentError(f"{parsed.drivername} is no database that is supported")
    parsed = parsed.set(drivername=driver)
    if parsed.get_backend_name() == "postgresql":
        if unknown := parsed.query.keys() - _PARAMETERS:
            raise ArgumentError(f"unknown parameters in a database URL: {', '.join(sorted(unknown))}")
        if "sslmode" in parsed.query:
            # The name that libpq and every provider's page use for it.
            mode = parsed.query["sslmode"]
            parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()

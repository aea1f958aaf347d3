"""Bring a database to the present schema, and put in what is built in."""

from __future__ import annotations

import asyncio
from enum import Enum

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from callclock_server.domain.built_in import built_in_call_types, built_in_roles
from callclock_server.timekeeping import Clock

from . import sqlite
from .availability import opening
from .call_types import to_row as call_type_row
from .database import Database
from .dialect import insert_or_ignore, lock_migrations
from .engine import create_engine
from .postgresql import LOCK_NOT_AVAILABLE, sqlstate
from .tables import call_types, roles

log = structlog.get_logger(__name__)

ATTEMPTS = 40
PAUSE_SECONDS = 0.5


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "callclock_server.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


class Standing(Enum):
    """How the schema of a database stands to this code's."""

    CURRENT = "current"
    OLD = "old"
    # A later version has migrated it. Migrations only add, so this one goes on working.
    NEWER = "newer"


async def migrate(url: str, *, clock: Clock | None = None, revision: str = "head") -> None:
    """Apply the migrations that are missing up to `revision`; insert built-in roles and types that are.

    Two processes that do it together do it once: a lock is held throughout, on SQLite the write lock. A
    migration that has to wait for others' transactions gives way and tries again: whoever comes after it
    would queue behind it. A schema that is newer stays as it is. Raises `DatabaseUnusable`.
    """
    with opening(url):
        engine = create_engine(url, migrates=True)
        try:
            for _ in range(ATTEMPTS - 1):
                try:
                    await _upgrade(engine, revision)
                    break
                except DBAPIError as exc:
                    if sqlstate(exc) != LOCK_NOT_AVAILABLE:
                        raise
                log.info("migration_waits_for_locks")
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await _upgrade(engine, revision)
        finally:
            await engine.dispose()
    await _insert_built_ins(url, clock)


async def _upgrade(engine: AsyncEngine, revision: str) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(callclock_write=True)
        async with connection.begin():
            await lock_migrations(connection)
            if await connection.run_sync(standing) is Standing.NEWER:
                return
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))
            if connection.dialect.name == "sqlite":
                await connection.run_sync(sqlite.check_references)


async def standing_of(url: str) -> Standing:
    """Tell how the schema of a database stands. Raises `DatabaseUnusable`."""
    with opening(url):
        engine = create_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(standing)
        finally:
            await engine.dispose()


async def pending(url: str) -> bool:
    """Tell whether the database lacks migrations. Raises `DatabaseUnusable`."""
    return await standing_of(url) is Standing.OLD


def standing(connection: Connection) -> Standing:
    """Tell how the schema behind a connection stands to this version."""
    script = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return Standing.CURRENT
    known = {revision.revision for revision in script.walk_revisions()}
    return Standing.OLD if current is None or current in known else Standing.NEWER


async def _insert_built_ins(url: str, clock: Clock | None) -> None:
    database = await Database.open(url, clock=clock)
    try:
        async with database.write() as tx:
            role_rows = [
                {"name": role.name, "built_in": True, "created_at": role.created_at}
                for role in built_in_roles(now=tx.now())
            ]
            await tx.execute(insert_or_ignore(tx, roles), role_rows)
            type_rows = [call_type_row(call_type) for call_type in built_in_call_types(now=tx.now())]
            await tx.execute(insert_or_ignore(tx, call_types), type_rows)
    finally:
        await database.close()

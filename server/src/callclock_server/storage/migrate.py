"""Bring a database to the present schema, and put in what is built in."""

from __future__ import annotations

from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from callclock_server.domain.built_in import built_in_call_types, built_in_roles
from callclock_server.timekeeping import Clock

from . import sqlite
from .call_types import to_row as call_type_row
from .database import Database
from .dialect import insert_or_ignore, lock_migrations
from .engine import create_engine
from .tables import call_types, roles


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "callclock_server.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(url: str, *, clock: Clock | None = None, revision: str = "head") -> None:
    """Apply the migrations that are missing up to `revision`; insert built-in roles and types that are.

    Two processes that do it together do it once: a lock is held throughout, on SQLite the write lock. The
    schema of a later version is left as it is.
    """
    engine = create_engine(url, migrates=True)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(callclock_write=True)
            async with connection.begin():
                await lock_migrations(connection)
                await connection.run_sync(_upgrade, revision)
                if connection.dialect.name == "sqlite":
                    await connection.run_sync(sqlite.check_references)
    finally:
        await engine.dispose()
    await _insert_built_ins(url, clock)


class Standing(Enum):
    """How the schema of a database stands to this version of the program."""

    OLD = "old"
    CURRENT = "current"
    NEWER = "newer"
    """A later version has migrated it. Migrations only add, so this version goes on working with it."""


async def pending(url: str) -> bool:
    """Tell whether the database lacks migrations."""
    engine = create_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(standing) is Standing.OLD
    finally:
        await engine.dispose()


def standing(connection: Connection) -> Standing:
    """Tell how the schema behind a connection stands to this version."""
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return Standing.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return Standing.OLD if current is None or current in known else Standing.NEWER


def _upgrade(connection: Connection, revision: str) -> None:
    if standing(connection) is Standing.OLD:
        command.upgrade(_config(connection), revision)


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

"""The few statements that databases spell differently, in one place."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from .database import Transaction
from .tables import calls


def skip_locked(select: sa.Select[Any]) -> sa.Select[Any]:
    """Claim the rows of `select`: FOR UPDATE SKIP LOCKED where it exists.

    SQLAlchemy leaves the clause out on SQLite, where the one writer holds the whole database.
    """
    return select.with_for_update(skip_locked=True)


def lock_calls(select: sa.Select[Any], *, skip_locked: bool = False) -> sa.Select[Any]:
    """Take the locks of the calls that `select` finds; with `skip_locked`, pass over those that are taken.

    NO KEY UPDATE: rows that refer to a call may be inserted meanwhile.
    """
    return select.with_for_update(of=calls, key_share=True, skip_locked=skip_locked)


class _Kind(FunctionElement[str]):
    """The kind of a JSON element, in the words of the database."""

    inherit_cache = True
    type = sa.Text()


# What either database calls them; SQLite reads true as 1.
NUMBER = ("number", "integer", "real")
TEXT = ("string", "text")
TRUTH = ("boolean", "integer")


@compiles(_Kind, "postgresql")
def _kind_on_postgresql(kind: _Kind, compiler: Any, **options: Any) -> str:
    return f"json_typeof({compiler.process(kind.clauses, **options)})"


@compiles(_Kind, "sqlite")
def _kind_on_sqlite(kind: _Kind, compiler: Any, **options: Any) -> str:
    return f"json_type({compiler.process(kind.clauses, **options)})"


def json_where(element: Any, kinds: tuple[str, ...], value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return `value`, read from a JSON element, where that is of one of `kinds`; else NULL.

    PostgreSQL fails when it is to read "abc" as a number.
    """
    return sa.case((_Kind(element).in_(kinds), value))


def insert_or_ignore(tx: Transaction, table: sa.Table) -> Any:
    """Return an INSERT that passes over rows which exist already."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


async def lock_numbering(tx: Transaction, name: str) -> None:
    """Let one transaction at a time give out numbers called `name`; the SQLite writer is alone anyway."""
    if tx.dialect == "postgresql":
        await tx.fetch("SELECT pg_advisory_xact_lock(hashtext($1))", [name])


async def lock_migrations(connection: AsyncConnection) -> None:
    """Let one process at a time change the schema, until its transaction ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("migrations"))))

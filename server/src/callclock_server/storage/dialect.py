"""The few statements that databases spell differently, in one place."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .database import Transaction


def skip_locked(select: sa.Select[Any]) -> sa.Select[Any]:
    """Claim the rows of `select`: FOR UPDATE SKIP LOCKED where it exists.

    SQLAlchemy leaves the clause out on SQLite, where the one writer holds the whole database.
    """
    return select.with_for_update(skip_locked=True)


def insert_or_ignore(tx: Transaction, table: sa.Table) -> Any:
    """Return an INSERT that passes over rows which exist already."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


async def lock_numbering(tx: Transaction, name: str) -> None:
    """Let one transaction at a time give out numbers called `name`; the SQLite writer is alone anyway."""
    if tx.dialect == "postgresql":
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))

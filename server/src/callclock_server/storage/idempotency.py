"""Answers to requests that carried an `Idempotency-Key`, kept for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from .database import Transaction
from .tables import idempotency

KEPT_FOR = timedelta(hours=24)
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request."""

    body_hash: str
    status: int
    body: bytes


def _key(subject: str, method: str, path: str, key: str) -> sa.ColumnElement[bool]:
    columns = idempotency.c
    return sa.and_(
        columns.subject == subject, columns.method == method, columns.path == path, columns.key == key
    )


async def find(tx: Transaction, *, subject: str, method: str, path: str, key: str) -> StoredAnswer | None:
    """Return the first answer given under this key within the last 24 hours."""
    columns = idempotency.c
    fresh = columns.created_at > tx.now() - KEPT_FOR
    row = await tx.first(
        sa.select(columns.body_hash, columns.status, columns.body).where(
            _key(subject, method, path, key), fresh
        )
    )
    return StoredAnswer(row.body_hash, row.status, bytes(row.body)) if row else None


async def store(
    tx: Transaction,
    *,
    subject: str,
    method: str,
    path: str,
    key: str,
    body_hash: str,
    status: int,
    body: bytes,
) -> None:
    """Keep an answer, in the transaction that it tells of; clears away some that are older than a day.

    Where another has kept one under the same key since `find` looked, the transaction has lost a race.
    """
    columns = idempotency.c
    stale = (
        sa.select(columns.created_at)
        .where(columns.created_at <= tx.now() - KEPT_FOR)
        .order_by(columns.created_at)
        .limit(_SWEPT_AT_ONCE)
    )
    newest_stale = sa.select(sa.func.max(stale.subquery().c.created_at)).scalar_subquery()
    await tx.execute(idempotency.delete().where(columns.created_at <= newest_stale))
    expired = columns.created_at <= tx.now() - KEPT_FOR
    await tx.execute(idempotency.delete().where(_key(subject, method, path, key), expired))
    values = {"subject": subject, "method": method, "path": path, "key": key, "created_at": tx.now()}
    await tx.execute(
        idempotency.insert(), [{**values, "body_hash": body_hash, "status": status, "body": body}]
    )

"""The ledger: one row for each change of a deadline, never altered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.session import Change

from .bulk import Bulk, Part
from .database import Transaction
from .tables import ledger, sessions

_INSERT = Bulk(ledger, tuple(column.name for column in ledger.c if column.name != "position"))


def _from_row(row: Any) -> Change:
    return Change(
        id=row.id,
        session_id=row.session_id,
        how=row.how,
        by=row.by_user_id,
        at=row.at,
        old_ends_at=row.old_ends_at,
        new_ends_at=row.new_ends_at,
        seconds=row.seconds,
        reason=row.reason,
        idempotency_key=row.idempotency_key,
        details=row.details,
    )


def insertion(changes: Sequence[tuple[str, Change]]) -> Part:
    """Return what writes changes down, each with the cid of its call, in their order."""
    return _INSERT, [_to_row(cid, change) for cid, change in changes]


def _to_row(cid: str, change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "session_id": change.session_id,
        "cid": cid,
        "how": change.how,
        "by_user_id": change.by,
        "at": change.at,
        "old_ends_at": change.old_ends_at,
        "new_ends_at": change.new_ends_at,
        "seconds": change.seconds,
        "reason": change.reason,
        "idempotency_key": change.idempotency_key,
        "details": change.details,
    }


async def of_session(tx: Transaction, session_id: str) -> list[Change]:
    """Return the ledger of a session, the oldest row first."""
    rows = await tx.all(
        sa.select(ledger).where(ledger.c.session_id == session_id).order_by(ledger.c.position)
    )
    return [_from_row(row) for row in rows]


async def with_key(tx: Transaction, *, cid: str, idempotency_key: str) -> Change | None:
    """Return the change that was made in this call under the key; a deleted call's are none of it."""
    row = await tx.first(
        sa.select(ledger)
        .join(sessions, sessions.c.id == ledger.c.session_id)
        .where(ledger.c.cid == cid, ledger.c.idempotency_key == idempotency_key)
        .where(sessions.c.call_deleted_at.is_(None))
    )
    return _from_row(row) if row else None

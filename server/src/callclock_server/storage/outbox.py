"""The outbox: promises of external effects (design section 2).

A worker claims rows for a lease: while it lasts nobody else gets them. Settling and retrying name the row and
the lease's token, so that a worker that was too slow cannot undo the work of the one after it. Kinds:

- `room.ensure`, `room.metadata`, `room.delete` `{room, cluster}`
- `participant.remove` `{room, cluster, identity}` · `participant.permissions` `{room, cluster, identity,
  sources}`

`cluster` is that of the session (null or absent: the first). What a room is told is read when the effect is
carried out, not when it is promised: only the newest matters.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from . import dialect
from .bulk import Bulk
from .database import Transaction
from .tables import outbox

_INSERT = Bulk(outbox, ("kind", "payload", "attempts", "not_before", "created_at"))

ROOM_ENSURE = "room.ensure"
ROOM_METADATA = "room.metadata"
ROOM_DELETE = "room.delete"
PARTICIPANT_REMOVE = "participant.remove"
PARTICIPANT_PERMISSIONS = "participant.permissions"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A claimed row. `attempts` counts the earlier ones that failed."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    lease_token: str


def row_of(
    kind: str, payload: dict[str, Any], *, now: datetime, not_before: datetime | None = None
) -> dict[str, Any]:
    """Return a row to insert."""
    return {
        "kind": kind,
        "payload": payload,
        "attempts": 0,
        "not_before": not_before or now,
        "created_at": now,
    }


async def add_all(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Insert rows made by `row_of`."""
    if rows:
        await _INSERT.run(tx, rows)
        tx.hint.outbox = True


async def add(
    tx: Transaction, *, kind: str, payload: dict[str, Any], not_before: datetime | None = None
) -> None:
    """Promise one effect, from `not_before` on (default: at once)."""
    await add_all(tx, [row_of(kind, payload, now=tx.now(), not_before=not_before)])


async def claim(tx: Transaction, *, limit: int, lease_seconds: float) -> list[OutboxRow]:
    """Claim up to `limit` due rows, oldest first; they come back to others after `lease_seconds`."""
    now = tx.now()
    due = (
        sa.select(outbox)
        .where(outbox.c.not_before <= now)
        .order_by(outbox.c.not_before, outbox.c.id)
        .limit(limit)
    )
    rows = await tx.all(dialect.skip_locked(due))
    if not rows:
        return []
    token = secrets.token_hex(8)
    leased = outbox.update().where(outbox.c.id.in_([row.id for row in rows]))
    await tx.execute(leased.values(lease_token=token, not_before=now + timedelta(seconds=lease_seconds)))
    return [OutboxRow(row.id, row.kind, row.payload, row.attempts, token) for row in rows]


async def renew(tx: Transaction, *, lease_token: str, lease_seconds: float) -> None:
    """Keep what is left of a claim for another while."""
    left = outbox.update().where(outbox.c.lease_token == lease_token)
    await tx.execute(left.values(not_before=tx.now() + timedelta(seconds=lease_seconds)))


async def hurry(tx: Transaction) -> None:
    """Let everything that has failed before be due at once: its engine answers again."""
    waiting = outbox.update().where(outbox.c.attempts > 0, outbox.c.lease_token.is_(None))
    await tx.execute(waiting.values(not_before=tx.now()))
    tx.hint.outbox = True


async def settle(tx: Transaction, *, row: OutboxRow) -> bool:
    """Remove a row whose effect is confirmed; False when the lease was lost meanwhile."""
    done = outbox.delete().where(outbox.c.id == row.id, outbox.c.lease_token == row.lease_token)
    return (await tx.execute(done)).rowcount == 1


async def retry(tx: Transaction, *, row: OutboxRow, delay_seconds: float, error: str) -> bool:
    """Put a row back for `delay_seconds`, noting why; False when the lease was lost meanwhile."""
    again = (
        outbox.update()
        .where(outbox.c.id == row.id, outbox.c.lease_token == row.lease_token)
        .values(
            attempts=outbox.c.attempts + 1,
            not_before=tx.now() + timedelta(seconds=delay_seconds),
            lease_token=None,
            last_error=error[:500],
        )
    )
    return (await tx.execute(again)).rowcount == 1


async def next_due(tx: Transaction) -> datetime | None:
    """Return when the next row is (or was) due; None when there are none."""
    due: datetime | None = await tx.scalar(sa.select(sa.func.min(outbox.c.not_before)))
    return due

"""The event log: append, and read by position or by call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from . import dialect
from .bulk import Bulk
from .database import EventRow, Transaction
from .tables import events

_COLUMNS = (events.c.position, events.c.cid, events.c.id, events.c.type, events.c.payload)

_INSERT = Bulk(events, ("position", "cid", "id", "type", "created_at", "payload"))
_LAST_POSITION = sa.select(sa.func.coalesce(sa.func.max(events.c.position), 0))


def _from_row(row: Any) -> EventRow:
    return EventRow(*row)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has not got its position yet. `payload` is JSON text without `server_time`."""

    cid: str
    id: int
    type: str
    created_at: datetime
    payload: str


async def append(tx: Transaction, new: Sequence[NewEvent]) -> None:
    """Append events in order, and hand them to those who wait for the commit.

    Positions are given out one transaction at a time, so that a reader that goes on from the last position it
    saw never passes over one that is committed later.
    """
    if not new:
        return
    await dialect.lock_numbering(tx, "events")
    first = await last_position(tx) + 1
    rows: list[dict[str, Any]] = []
    for position, event in enumerate(new, start=first):
        rows.append(
            {
                "position": position,
                "cid": event.cid,
                "id": event.id,
                "type": event.type,
                "created_at": event.created_at,
                "payload": event.payload,
            }
        )
        tx.hint.events.append(EventRow(position, event.cid, event.id, event.type, event.payload))
    await _INSERT.run(tx, rows)


async def last_position(tx: Transaction) -> int:
    """Return the position of the newest event; 0 when there is none."""
    return int(await tx.scalar(_LAST_POSITION))


async def last_id(tx: Transaction, cid: str) -> int:
    """Return the id of the newest event of a call, also of a deleted one; 0 when there is none."""
    newest = sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0)).where(events.c.cid == cid)
    return int(await tx.scalar(newest))


async def tail(tx: Transaction, *, after_position: int, limit: int = 1000) -> list[EventRow]:
    """Return up to `limit` events of all calls after a position, in order: what missed hints brought."""
    later = sa.select(*_COLUMNS).where(events.c.position > after_position)
    return [_from_row(row) for row in await tx.all(later.order_by(events.c.position).limit(limit))]


async def of_call(tx: Transaction, *, cid: str, after_id: int = 0, limit: int = 1000) -> list[EventRow]:
    """Return up to `limit` events of one call after an event's id, in order."""
    later = sa.select(*_COLUMNS).where(events.c.cid == cid, events.c.id > after_id)
    return [_from_row(row) for row in await tx.all(later.order_by(events.c.id).limit(limit))]

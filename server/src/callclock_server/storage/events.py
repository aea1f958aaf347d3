"""The event log: append, and read by position or by call.

Notices ride in it: messages that belong to no call (rights that changed, a user's join) and must reach every
node also when the bus is away. They have positions like events, and are in no call's numbering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from . import dialect
from .bulk import Bulk
from .database import NOTICE, EventRow, Transaction
from .tables import events

_COLUMNS = (events.c.position, events.c.cid, events.c.id, events.c.type, events.c.payload)

_INSERT = Bulk(events, ("position", "cid", "id", "type", "created_at", "payload"))
_LAST_POSITION = sa.select(sa.func.coalesce(sa.func.max(events.c.position), 0))


def _from_row(row: Any) -> EventRow:
    return EventRow(*row)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has not got its position yet. `payload` is JSON text without `server_time`.

    A notice has the id 0: it gets its position as its id.
    """

    cid: str
    id: int
    type: str
    created_at: datetime
    payload: str


@dataclass(frozen=True, slots=True)
class Head:
    """What there is to know of a row without its payload."""

    position: int
    cid: str
    id: int


def notice(channel: str, message: Mapping[str, Any], *, now: datetime) -> NewEvent:
    """Return a notice for a channel of the bus, to be appended."""
    return NewEvent(NOTICE + channel, 0, NOTICE, now, orjson.dumps(message).decode())


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
        id_ = event.id or position
        rows.append(
            {
                "position": position,
                "cid": event.cid,
                "id": id_,
                "type": event.type,
                "created_at": event.created_at,
                "payload": event.payload,
            }
        )
        tx.hint.events.append(EventRow(position, event.cid, id_, event.type, event.payload))
    await _INSERT.run(tx, rows)


async def last_position(tx: Transaction) -> int:
    """Return the position of the newest event; 0 when there is none."""
    return int(await tx.scalar(_LAST_POSITION))


async def last_created_at(tx: Transaction) -> datetime | None:
    """Return when the newest event was written; None when there is none."""
    newest = sa.select(events.c.created_at).order_by(events.c.position.desc()).limit(1)
    moment: datetime | None = await tx.scalar(newest)
    return moment


async def last_id(tx: Transaction, cid: str) -> int:
    """Return the id of the newest event of a call, also of a deleted one; 0 when there is none."""
    newest = sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0)).where(events.c.cid == cid)
    return int(await tx.scalar(newest))


async def heads(tx: Transaction, *, after_position: int, limit: int = 1000) -> list[Head]:
    """Return up to `limit` rows after a position, in order, without payload: what hints may have lost."""
    later = sa.select(events.c.position, events.c.cid, events.c.id).where(events.c.position > after_position)
    return [
        Head(row.position, row.cid, row.id)
        for row in await tx.all(later.order_by(events.c.position).limit(limit))
    ]


async def at(tx: Transaction, positions: Sequence[int]) -> list[EventRow]:
    """Return the rows at these positions, in order."""
    if not positions:
        return []
    rows = sa.select(*_COLUMNS).where(events.c.position.in_(positions))
    return [_from_row(row) for row in await tx.all(rows.order_by(events.c.position))]


async def of_call(tx: Transaction, *, cid: str, after_id: int = 0, limit: int = 1000) -> list[EventRow]:
    """Return up to `limit` events of one call after an event's id, in order."""
    later = sa.select(*_COLUMNS).where(events.c.cid == cid, events.c.id > after_id)
    return [_from_row(row) for row in await tx.all(later.order_by(events.c.id).limit(limit))]

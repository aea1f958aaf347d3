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
from .types import to_microseconds

_COLUMNS = (events.c.position, events.c.cid, events.c.id, events.c.type, events.c.payload)

_INSERT = Bulk(events, ("position", "cid", "id", "type", "created_at", "payload"))
# The next position is read and given out in one statement, which begins after the numbering is locked. In the
# order of their places; a notice has its position as its id.
_NUMBER_AND_INSERT = (
    "WITH last AS (SELECT coalesce(max(position), 0) AS position FROM events), added AS ("
    "INSERT INTO events (position, cid, id, type, created_at, payload) "
    "SELECT last.position + n.place, n.cid, coalesce(nullif(n.id, 0), last.position + n.place), n.type, "
    "n.created_at, n.payload "
    "FROM last, unnest($1::TEXT[], $2::BIGINT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[]) "
    "WITH ORDINALITY AS n(cid, id, type, created_at, payload, place)) SELECT position FROM last"
)
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
    last = await (_insert_at_once if tx.dialect == "postgresql" else _insert)(tx, new)
    for position, event in enumerate(new, start=last + 1):
        tx.hint.events.append(EventRow(position, event.cid, event.id or position, event.type, event.payload))


async def _insert_at_once(tx: Transaction, new: Sequence[NewEvent]) -> int:
    """Insert events after the last position, which is returned."""
    columns = (
        [event.cid for event in new],
        [event.id for event in new],
        [event.type for event in new],
        [to_microseconds(event.created_at) for event in new],
        [event.payload for event in new],
    )
    return int((await tx.fetch(_NUMBER_AND_INSERT, columns))[0][0])


async def _insert(tx: Transaction, new: Sequence[NewEvent]) -> int:
    last = await last_position(tx)
    rows = [
        {
            "position": position,
            "cid": event.cid,
            "id": event.id or position,
            "type": event.type,
            "created_at": event.created_at,
            "payload": event.payload,
        }
        for position, event in enumerate(new, start=last + 1)
    ]
    await _INSERT.run(tx, rows)
    return last


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

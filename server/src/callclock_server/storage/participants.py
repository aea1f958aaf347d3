"""Participants: every stay of every device, kept for the record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.session import Participant

from .bulk import Bulk, Part, run_together
from .database import Transaction
from .query import Query
from .tables import participants

_COLUMNS = tuple(column.name for column in participants.c)
CHANGING = tuple(
    name for name in _COLUMNS if name not in ("id", "session_id", "user_id", "device_id", "accepted_at")
)
_UPDATE = Bulk(participants, CHANGING, key="id")
_INSERT = Bulk(participants, _COLUMNS)
_OPEN = participants.c.left_at.is_(None)
_LOST = (
    sa.select(participants.c.connection_id)
    .where(_OPEN, participants.c.lost_at.is_not(None), participants.c.connection_id.is_not(None))
    .distinct()
)
_OPEN_OF = Query(lambda among: sa.select(participants).where(among(participants.c.session_id, "ids"), _OPEN))


def to_row(participant: Participant) -> dict[str, Any]:
    """Return the row of a participant."""
    return {name: getattr(participant, name) for name in _COLUMNS}


def from_row(row: Any) -> Participant:
    """Return the participant of a row."""
    return Participant(**row._mapping)


async def insert(tx: Transaction, new: Sequence[Participant]) -> None:
    """Insert participants."""
    await run_together(tx, [insertion(new)])


def insertion(new: Sequence[Participant]) -> Part:
    """Return what inserts participants."""
    return _INSERT, [to_row(participant) for participant in new]


def change(changed: Sequence[Participant]) -> Part:
    """Return what writes what may change of these participants."""
    return _UPDATE, [to_row(participant) for participant in changed]


async def open_of(tx: Transaction, session_ids: Collection[str]) -> dict[str, list[Participant]]:
    """Return the open participants of sessions, in the order of their coming."""
    if not session_ids:
        return {}
    found: dict[str, list[Participant]] = {}
    for row in await _OPEN_OF.all(tx, ids=list(session_ids)):
        found.setdefault(row["session_id"], []).append(Participant(**row))
    for present in found.values():
        present.sort(key=lambda p: (p.accepted_at, p.id))
    return found


async def stays_of(tx: Transaction, session_id: str) -> list[Participant]:
    """Return all stays of a session, those that are over too."""
    select = sa.select(participants).where(participants.c.session_id == session_id)
    return [
        from_row(row) for row in await tx.all(select.order_by(participants.c.accepted_at, participants.c.id))
    ]


async def last_stay(tx: Transaction, *, session_id: str, user_id: str, device_id: str) -> Participant | None:
    """Return the latest stay of a device in a session."""
    columns = participants.c
    select = sa.select(participants).where(
        columns.session_id == session_id, columns.user_id == user_id, columns.device_id == device_id
    )
    row = await tx.first(select.order_by(columns.accepted_at.desc(), columns.id.desc()).limit(1))
    return from_row(row) if row else None


async def lost_connections(tx: Transaction) -> list[str]:
    """Return the event streams on which somebody's presence hung and that are counted as lost."""
    return [row.connection_id for row in await tx.all(_LOST)]


async def connections_on(tx: Transaction, node_id: str) -> list[str]:
    """Return the event streams of a node on which somebody's presence hangs and that are not lost."""
    columns = participants.c
    theirs = sa.select(columns.connection_id).where(
        _OPEN, columns.connection_id.is_not(None), columns.node_id == node_id, columns.lost_at.is_(None)
    )
    return [row.connection_id for row in await tx.all(theirs.distinct())]

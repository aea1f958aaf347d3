"""Calls: rows by cid. Searching among them is in `call_search`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.call import Call

from . import dialect
from .bulk import Bulk, Part
from .database import Transaction
from .query import Query
from .tables import calls

FIELDS = tuple(field.name for field in fields(Call))
CHANGING = (
    "updated_at",
    "starts_at",
    "ended_at",
    "ended_reason",
    "settings_override",
    "custom",
    "last_event_id",
    "last_session_id",
)
_UPDATE = Bulk(calls, CHANGING, key="cid")
_BY_CID = Query(lambda among: sa.select(calls).where(among(calls.c.cid, "cids")))
_LOCK = Query(
    lambda among: dialect.lock_calls(sa.select(calls).where(among(calls.c.cid, "cids")).order_by(calls.c.cid))
)


def from_row(row: Any) -> Call:
    """Return the call of a row."""
    return Call(**{name: getattr(row, name) for name in FIELDS})


def to_row(call: Call) -> dict[str, Any]:
    """Return the row of a call."""
    return {name: getattr(call, name) for name in FIELDS}


async def insert(tx: Transaction, call: Call) -> None:
    """Insert a call."""
    await tx.execute(calls.insert(), [to_row(call)])


def change(changed: Sequence[Call]) -> Part:
    """Return what writes what may change of these calls."""
    return _UPDATE, [to_row(call) for call in changed]


async def get_many(tx: Transaction, cids: Collection[str]) -> dict[str, Call]:
    """Return those of the calls that exist."""
    if not cids:
        return {}
    return {row["cid"]: Call(**row) for row in await _BY_CID.all(tx, cids=list(cids))}


async def lock(tx: Transaction, cids: Collection[str]) -> dict[str, Call]:
    """Return those of the calls that exist, locked until the end of the transaction, in the order of cids.

    Who holds the lock of a call is alone with its sessions, participants, members and ledger: read them after
    this, never before.
    """
    if not cids:
        return {}
    rows = await _LOCK.all(tx, cids=list(cids))
    tx.lock_taken()
    return {row["cid"]: Call(**row) for row in rows}


async def cids_to_come(tx: Transaction, *, call_type: str, now: datetime) -> list[str]:
    """Return the calls of a type that have a start ahead of them and have not ended."""
    ahead = sa.select(calls.c.cid).where(
        calls.c.type == call_type, calls.c.starts_at > now, calls.c.ended_at.is_(None)
    )
    return [row.cid for row in await tx.all(ahead)]


async def cids_created_by(tx: Transaction, user_id: str) -> list[str]:
    """Return the calls that a user created."""
    rows = await tx.all(sa.select(calls.c.cid).where(calls.c.created_by_id == user_id))
    return [row.cid for row in rows]


async def delete(tx: Transaction, cid: str) -> None:
    """Delete a call with its members. Its sessions, their ledgers and its events stay."""
    await tx.execute(calls.delete().where(calls.c.cid == cid))

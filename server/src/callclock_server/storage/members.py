"""Members of calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.call import Member

from .database import Transaction
from .query import Query
from .tables import members

_FIELDS = tuple(field.name for field in fields(Member))
_ONE = Query(
    lambda _: sa.select(members).where(
        members.c.cid == sa.bindparam("call"), members.c.user_id == sa.bindparam("user")
    )
)
_OF_CALLS = Query(
    lambda among: (
        sa.select(members)
        .where(among(members.c.cid, "cids"))
        .order_by(members.c.created_at, members.c.user_id)
    )
)


def _to_row(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in _FIELDS}


async def insert(tx: Transaction, new: Sequence[Member]) -> None:
    """Insert members."""
    if new:
        await tx.execute(members.insert(), [_to_row(member) for member in new])


async def update(tx: Transaction, member: Member) -> None:
    """Write a changed member."""
    this = sa.and_(members.c.cid == member.cid, members.c.user_id == member.user_id)
    await tx.execute(members.update().where(this).values(_to_row(member)))


async def delete(tx: Transaction, *, cid: str, user_ids: Collection[str]) -> None:
    """Delete members of a call."""
    await tx.execute(members.delete().where(members.c.cid == cid, members.c.user_id.in_(list(user_ids))))


async def get(tx: Transaction, *, cid: str, user_id: str) -> Member | None:
    """Return one member of a call."""
    rows = await _ONE.all(tx, call=cid, user=user_id)
    return Member(**rows[0]) if rows else None


async def of_user(tx: Transaction, *, user_id: str, cids: Collection[str]) -> dict[str, Member]:
    """Return a user's membership in those of the calls that have one."""
    theirs = sa.select(members).where(members.c.user_id == user_id, members.c.cid.in_(list(cids)))
    return {row.cid: Member(**row._mapping) for row in await tx.all(theirs)}


async def of_calls(tx: Transaction, cids: Collection[str]) -> dict[str, list[Member]]:
    """Return the members of calls, in the order of their adding."""
    found: dict[str, list[Member]] = {cid: [] for cid in cids}
    if not found:
        return found
    for row in await _OF_CALLS.all(tx, cids=list(cids)):
        found[row["cid"]].append(Member(**row))
    return found


async def cids_of_user(tx: Transaction, user_id: str) -> list[str]:
    """Return the calls that a user is a member of."""
    rows = await tx.all(sa.select(members.c.cid).where(members.c.user_id == user_id).order_by(members.c.cid))
    return [row.cid for row in rows]

"""Calls that open by themselves: something must happen at their start though nobody is there (section 6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from . import dialect
from .database import Transaction
from .tables import calls, openings

_DUE = (
    sa.select(calls.c.cid)
    .select_from(openings.join(calls, calls.c.cid == openings.c.cid))
    .where(openings.c.opens_at <= sa.bindparam("now"))
    .order_by(openings.c.opens_at)
    .limit(sa.bindparam("limit"))
)
_CLAIM = dialect.lock_calls(_DUE, skip_locked=True)


async def put(tx: Transaction, *, cid: str, opens_at: datetime | None) -> None:
    """Have a call open by itself at a moment; None: not at all."""
    await remove(tx, [cid])
    if opens_at is not None:
        await tx.execute(openings.insert(), [{"cid": cid, "opens_at": opens_at}])
        tx.hint.alarm(opens_at)


async def remove(tx: Transaction, cids: Collection[str]) -> None:
    """Forget the openings of calls."""
    if cids:
        await tx.execute(openings.delete().where(openings.c.cid.in_(list(cids))))


async def claim_due(tx: Transaction, *, now: datetime, limit: int) -> list[str]:
    """Lock up to `limit` calls whose opening has come, passing over those that somebody else has."""
    rows = await tx.all(_CLAIM, {"now": now, "limit": limit})
    tx.lock_taken()
    return [row.cid for row in rows]

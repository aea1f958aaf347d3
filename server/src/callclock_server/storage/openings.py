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
_CLAIM_ONE = dialect.lock_calls(_DUE.where(calls.c.cid == sa.bindparam("cid")), skip_locked=True)


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


async def claim_one(tx: Transaction, *, cid: str, now: datetime) -> list[str]:
    """Lock one call if its opening has come and nobody else has it."""
    rows = await tx.all(_CLAIM_ONE, {"now": now, "limit": 1, "cid": cid})
    tx.lock_taken()
    return [row.cid for row in rows]


async def due_cids(tx: Transaction, *, now: datetime, limit: int) -> list[str]:
    """Return the calls whose opening has come, reading nothing more of them."""
    return [row.cid for row in await tx.all(_DUE, {"now": now, "limit": limit})]


async def postpone(tx: Transaction, *, cid: str, until: datetime) -> None:
    """Leave an opening that has come and failed alone until then. The call's `starts_at` stays."""
    come = openings.update().where(openings.c.cid == cid, openings.c.opens_at <= until)
    await tx.execute(come.values(opens_at=until))

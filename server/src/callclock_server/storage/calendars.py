"""What the members of calls have to do next: for the guard between two calls (design section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from .database import Transaction
from .tables import calls, members


async def next_starts(tx: Transaction, since: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return, for each of these calls, when the next call of one of its members starts.

    `since` says from which moment on another call counts as a later one; calls that have ended do not count.
    """
    own, theirs = members.alias("own"), members.alias("theirs")
    other = calls.alias("other")
    found: dict[str, datetime] = {}
    for cid, moment in since.items():
        select = (
            sa.select(sa.func.min(other.c.starts_at))
            .select_from(
                own.join(theirs, theirs.c.user_id == own.c.user_id).join(other, other.c.cid == theirs.c.cid)
            )
            .where(
                own.c.cid == cid,
                other.c.cid != cid,
                other.c.ended_at.is_(None),
                other.c.starts_at > moment,
            )
        )
        starts_at: datetime | None = await tx.scalar(select)
        if starts_at is not None:
            found[cid] = starts_at
    return found

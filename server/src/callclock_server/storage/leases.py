"""Leases: work that one process at a time should do. Losing one costs repeated work, never a wrong result."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from . import dialect
from .database import Transaction
from .tables import leases


async def take(tx: Transaction, *, name: str, holder: str, seconds: float) -> bool:
    """Take or prolong a lease for `seconds`; False while somebody else holds it."""
    now = tx.now()
    expires_at = now + timedelta(seconds=seconds)
    mine_or_free = sa.or_(leases.c.holder == holder, leases.c.expires_at <= now)
    taken = leases.update().where(leases.c.name == name, mine_or_free)
    if (await tx.execute(taken.values(holder=holder, expires_at=expires_at))).rowcount == 1:
        return True
    row = {"name": name, "holder": holder, "expires_at": expires_at}
    return (await tx.execute(dialect.insert_or_ignore(tx, leases), [row])).rowcount == 1


async def give_back(tx: Transaction, *, name: str, holder: str) -> None:
    """End a lease early, so that nobody waits for it; one that is another's is left alone."""
    await tx.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))

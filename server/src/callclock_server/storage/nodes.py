"""Nodes: which processes work on this database, and when each was last heard of.

A node renews its row while it lives. Its event streams, and whoever is present by them, are its own
(`participants.node_id`); when its row is gone they belong to nobody.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .database import Transaction
from .tables import deployment, nodes


async def beat(tx: Transaction, node_id: str) -> bool:
    """Note that a node lives; return False when it was not known: new, or given up by the others."""
    now = tx.now()
    renewed = await tx.execute(nodes.update().where(nodes.c.id == node_id).values(beat_at=now))
    if renewed.rowcount:
        return True
    await tx.execute(nodes.insert(), [{"id": node_id, "started_at": now, "beat_at": now}])
    return False


async def bury(tx: Transaction, *, silent_since: datetime) -> list[str]:
    """Remove the nodes that were not heard of since then, and return them."""
    silent = sa.select(nodes.c.id).where(nodes.c.beat_at < silent_since).order_by(nodes.c.id)
    ids = [row.id for row in await tx.all(silent.with_for_update(skip_locked=True))]
    if ids:
        await tx.execute(nodes.delete().where(nodes.c.id.in_(ids)))
    return ids


async def remove(tx: Transaction, node_id: str) -> None:
    """Remove a node that stops."""
    await tx.execute(nodes.delete().where(nodes.c.id == node_id))


async def only(tx: Transaction, node_id: str) -> None:
    """Remove all nodes but this one: it is alone on the database."""
    await tx.execute(nodes.delete().where(nodes.c.id != node_id))
    await beat(tx, node_id)


async def living(tx: Transaction) -> set[str]:
    """Return the nodes that there are."""
    return {row.id for row in await tx.all(sa.select(nodes.c.id))}


async def deployment_id(tx: Transaction) -> str:
    """Return what tells this database from every other one."""
    return str(await tx.scalar(sa.select(deployment.c.id)))

"""Call types."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.call import CallType

from .database import Transaction
from .query import Query
from .tables import call_types, calls

_FIELDS = tuple(field.name for field in fields(CallType))

_BY_NAME = Query(lambda among: sa.select(call_types).where(among(call_types.c.name, "names")))


def to_row(call_type: CallType) -> dict[str, Any]:
    """Return the row of a call type."""
    return {name: getattr(call_type, name) for name in _FIELDS}


async def insert(tx: Transaction, call_type: CallType) -> None:
    """Insert a call type."""
    await tx.execute(call_types.insert(), [to_row(call_type)])


async def update(tx: Transaction, call_type: CallType) -> None:
    """Write a changed call type."""
    await tx.execute(call_types.update().where(call_types.c.name == call_type.name).values(to_row(call_type)))


async def get(tx: Transaction, name: str) -> CallType | None:
    """Return a call type by its name."""
    return (await get_many(tx, [name])).get(name)


async def get_many(tx: Transaction, names: Collection[str]) -> dict[str, CallType]:
    """Return call types by their names."""
    return {row["name"]: CallType(**row) for row in await _BY_NAME.all(tx, names=list(names))}


async def list_all(tx: Transaction) -> list[CallType]:
    """Return all call types by name."""
    rows = await tx.all(sa.select(call_types).order_by(call_types.c.name))
    return [CallType(**row._mapping) for row in rows]


async def in_use(tx: Transaction, name: str) -> bool:
    """Tell whether there are calls of the type."""
    return bool(await tx.scalar(sa.select(sa.exists().where(calls.c.type == name))))


async def delete(tx: Transaction, name: str) -> None:
    """Delete a call type."""
    await tx.execute(call_types.delete().where(call_types.c.name == name))

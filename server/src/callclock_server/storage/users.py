"""Users."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.call import User

from .database import Transaction
from .query import Query
from .tables import users

_FIELDS = tuple(field.name for field in fields(User))
_UPDATE = (
    users.update()
    .where(users.c.id == sa.bindparam("row_id"))
    .values({name: sa.bindparam(name) for name in _FIELDS if name != "id"})
)

_BY_ID = Query(lambda among: sa.select(users).where(among(users.c.id, "ids")))


def _to_row(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in _FIELDS}


async def insert(tx: Transaction, new: Sequence[User]) -> None:
    """Insert users."""
    if new:
        await tx.execute(users.insert(), [_to_row(user) for user in new])


async def update(tx: Transaction, changed: Sequence[User]) -> None:
    """Write changed users, in the order of their ids, so that two who write the same ones cannot deadlock."""
    if changed:
        in_order = sorted(changed, key=lambda user: user.id)
        await tx.execute(_UPDATE, [{**_to_row(user), "row_id": user.id} for user in in_order])


async def get(tx: Transaction, user_id: str) -> User | None:
    """Return a user by id."""
    return (await get_many(tx, [user_id])).get(user_id)


async def get_many(tx: Transaction, ids: Collection[str]) -> dict[str, User]:
    """Return those of the users who exist."""
    if not ids:
        return {}
    return {row["id"]: User(**row) for row in await _BY_ID.all(tx, ids=list(ids))}


async def exists(tx: Transaction, user_id: str) -> bool:
    """Tell whether there is such a user."""
    return bool(await tx.scalar(sa.select(sa.exists().where(users.c.id == user_id))))


async def page(tx: Transaction, *, limit: int, after: str | None = None) -> list[User]:
    """Return up to `limit` users by id, after an id."""
    select = sa.select(users).order_by(users.c.id).limit(limit)
    if after is not None:
        select = select.where(users.c.id > after)
    return [User(**row._mapping) for row in await tx.all(select)]


async def delete(tx: Transaction, user_id: str) -> None:
    """Delete a user; the memberships go too, the records of sessions stay."""
    await tx.execute(users.delete().where(users.c.id == user_id))

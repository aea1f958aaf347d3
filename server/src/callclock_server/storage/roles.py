"""Roles."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from callclock_server.domain.call import Role

from .database import Transaction
from .tables import members, roles, users


async def insert(tx: Transaction, role: Role) -> None:
    """Insert a role."""
    await tx.execute(
        roles.insert(), [{"name": role.name, "built_in": role.built_in, "created_at": role.created_at}]
    )


async def get(tx: Transaction, name: str) -> Role | None:
    """Return a role by its name."""
    row = await tx.first(sa.select(roles).where(roles.c.name == name))
    return Role(**row._mapping) if row else None


async def list_all(tx: Transaction) -> list[Role]:
    """Return all roles, the built-in ones first, then by name."""
    rows = await tx.all(sa.select(roles).order_by(roles.c.built_in.desc(), roles.c.name))
    return [Role(**row._mapping) for row in rows]


async def missing(tx: Transaction, names: Collection[str]) -> set[str]:
    """Return those of `names` that are no roles."""
    # PostgreSQL takes no U+0000 at all, not even to compare with.
    asked = [name for name in names if "\x00" not in name]
    if not asked:
        return set(names)
    known = await tx.all(sa.select(roles.c.name).where(roles.c.name.in_(asked)))
    return set(names) - {row.name for row in known}


async def in_use(tx: Transaction, name: str) -> bool:
    """Tell whether a user or a member has the role."""
    used = sa.exists().where(users.c.role == name) | sa.exists().where(members.c.role == name)
    return bool(await tx.scalar(sa.select(used)))


async def delete(tx: Transaction, name: str) -> None:
    """Delete a role."""
    await tx.execute(roles.delete().where(roles.c.name == name))

"""Roles: names under which call types grant capabilities."""

from __future__ import annotations

from callclock_server.domain import errors
from callclock_server.domain.call import Role
from callclock_server.domain.identifiers import check_name
from callclock_server.domain.permissions import Actor
from callclock_server.storage import roles
from callclock_server.storage.database import Transaction

from .answers import View
from .views import role_view


async def create_role(tx: Transaction, by: Actor, *, name: str) -> View:
    """Create a role; raises AlreadyExists."""
    by.require_server()
    check_name(name, field="name")
    if await roles.get(tx, name):
        raise errors.AlreadyExists(f"There is a role {name} already.")
    role = Role(name=name, built_in=False, created_at=tx.now())
    await roles.insert(tx, role)
    return role_view(role)


async def list_roles(tx: Transaction, by: Actor) -> list[View]:
    """Return all roles."""
    return [role_view(role) for role in await roles.list_all(tx)]


async def delete_role(tx: Transaction, by: Actor, *, name: str) -> None:
    """Delete a role that nobody has; grants to it on call types stay, and mean nothing."""
    by.require_server()
    role = await roles.get(tx, name)
    if role is None:
        raise errors.RoleNotFound
    if role.built_in:
        raise errors.BuiltIn
    if await roles.in_use(tx, name):
        raise errors.RoleInUse
    await roles.delete(tx, name)

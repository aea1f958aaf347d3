"""Users: told to us by the integrator's server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from callclock_server.domain import errors
from callclock_server.domain import events as kinds
from callclock_server.domain.call import User
from callclock_server.domain.errors import FieldError, invalid
from callclock_server.domain.identifiers import check_user_id
from callclock_server.domain.input import as_object, custom_data, only_known, text
from callclock_server.domain.permissions import Actor
from callclock_server.domain.presence import leave
from callclock_server.storage import calls, members, roles, sessions
from callclock_server.storage import users as stored_users
from callclock_server.storage.database import Transaction

from . import permissions
from .access import acting_user, settle_state
from .answers import Page, View
from .cursor import decode_cursor, encode_cursor, page_size
from .journal import Journal
from .state import load_many
from .views import user_view

_FIELDS = ("id", "name", "role", "image", "custom")


async def require_user(tx: Transaction, by: Actor) -> None:
    """Raise UnknownUser when the token's user does not exist."""
    if not by.server and not (by.user_id and await stored_users.exists(tx, by.user_id)):
        raise errors.UnknownUser


async def upsert_users(tx: Transaction, by: Actor, *, users: Mapping[str, Any]) -> dict[str, View]:
    """Create or change users by id. Fields that are not given keep what they were; a new user's role is
    `user`.

    A changed role holds at once where the user is in a call.
    """
    by.require_server()
    given = {user_id: _check(user_id, values) for user_id, values in as_object(users, field="users").items()}
    await _check_roles(tx, given)
    known = await stored_users.get_many(tx, list(given))
    now = tx.now()
    added, changed = [], []
    for user_id, values in given.items():
        old = known.get(user_id)
        if old is None:
            blank = User(
                id=user_id, name=None, role="user", image=None, custom={}, created_at=now, updated_at=now
            )
            added.append(replace(blank, **values))
        else:
            changed.append(replace(old, **values, updated_at=now))
    await _tell_roles(tx, [user for user in changed if user.role != known[user.id].role])
    await stored_users.insert(tx, added)
    await stored_users.update(tx, changed)
    return {user.id: user_view(user) for user in (*added, *changed)}


async def get_user(tx: Transaction, by: Actor, *, user_id: str) -> View:
    """Return a user to a server token or to the user; to others there is no such user."""
    await acting_user(tx, by)
    user = await stored_users.get(tx, user_id) if by.server or by.user_id == user_id else None
    if user is None:
        raise errors.UserNotFound
    return user_view(user)


async def list_users(
    tx: Transaction,
    by: Actor,
    *,
    limit: int = 25,
    next: str | None = None,  # noqa: A002
) -> Page:
    """Return a page of users by id."""
    by.require_server()
    page_size(limit)
    after = decode_cursor(next, "users", str)[0] if next is not None else None
    found = await stored_users.page(tx, limit=limit + 1, after=after)
    more = encode_cursor("users", found[limit - 1].id) if len(found) > limit else None
    return Page(items=[user_view(user) for user in found[:limit]], next=more)


async def delete_user(tx: Transaction, by: Actor, *, user_id: str) -> None:
    """Delete a user, who leaves every call at once; memberships go, records of sessions stay."""
    by.require_server()
    user = await stored_users.get(tx, user_id)
    if user is None:
        raise errors.UserNotFound
    journal = Journal(tx)
    belongs = set(await members.cids_of_user(tx, user_id))
    inside = set(await sessions.cids_with_user(tx, user_id))
    # Deleting the user touches the calls that the user made: they are locked with the others, and before.
    created = set(await calls.cids_created_by(tx, user_id))
    await calls.lock(tx, belongs | inside | created)
    for cid, state in (await load_many(tx, belongs | inside)).items():
        await settle_state(journal, state)
        if cid in belongs:
            journal.event(state, kinds.MEMBER_REMOVED, member={"user_id": user_id, "user": user_view(user)})
        if state.session is not None:
            theirs = tuple(p for p in state.session.participants if p.user_id == user_id)
            journal.apply(state, leave(state.session, theirs, now=tx.now()))
    await journal.flush()
    await stored_users.delete(tx, user_id)


async def _tell_roles(tx: Transaction, changed: Sequence[User]) -> None:
    """Announce what changed roles mean in the calls that the users are in."""
    inside = {user.id: await sessions.cids_with_user(tx, user.id) for user in changed}
    states = await load_many(tx, sorted({cid for cids in inside.values() for cid in cids}))
    journal = Journal(tx)
    for user in changed:
        for state in (states[cid] for cid in inside[user.id] if cid in states):
            await settle_state(journal, state)
            before = await permissions.held_by_present(tx, state)
            state.users[user.id] = user
            permissions.announce(
                journal, state, before=before, after=await permissions.held_by_present(tx, state)
            )
    await journal.flush()


def _check(user_id: str, values: Any) -> dict[str, Any]:
    """Return the given fields of a user, checked."""
    field = f"users.{user_id}"
    check_user_id(user_id, field=field)
    as_object(values, field=field)
    only_known(values, _FIELDS, field=field)
    if values.get("id", user_id) != user_id:
        raise errors.InvalidId("The id must be the key it stands under.", field=f"{field}.id")
    checked: dict[str, Any] = {}
    for key, most in (("name", 255), ("image", 2048)):
        if key in values:
            value = values[key]
            checked[key] = None if value in (None, "") else text(value, field=f"{field}.{key}", most=most)
    if values.get("role") is not None:
        checked["role"] = text(values["role"], field=f"{field}.role", most=64)
    if "custom" in values:
        checked["custom"] = custom_data(values["custom"] or {}, field=f"{field}.custom")
    return checked


async def _check_roles(tx: Transaction, given: dict[str, dict[str, Any]]) -> None:
    unknown = await roles.missing(tx, {values["role"] for values in given.values() if "role" in values})
    faults = [
        FieldError(f"users.{user_id}.role", f"There is no role {values['role']}.", "unknown-role")
        for user_id, values in given.items()
        if values.get("role") in unknown
    ]
    if faults:
        raise invalid(faults)

"""Members of a call: added, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from callclock_server.domain import errors
from callclock_server.domain import events as kinds
from callclock_server.domain.call import Member
from callclock_server.domain.identifiers import check_user_id
from callclock_server.domain.permissions import Actor
from callclock_server.domain.presence import change_role, leave
from callclock_server.storage import members, users
from callclock_server.storage.database import Transaction

from . import permissions
from .access import Visit, enter
from .answers import CallAnswer
from .data import MemberSpec, read_members
from .identifiers import new_id
from .views import member_view


async def update_members(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    update_members: Sequence[Mapping[str, Any]] = (),
    remove_members: Sequence[str] = (),
) -> CallAnswer:
    """Add or change members (fields not given stay), and remove others; who is no member is passed over.

    A user gives a member no role that may do more than the user.
    Needs `update-call`; for removing alone `remove-call-member` will do. A removed member who is in the
    session of a `members_only` call is removed from it.
    """
    visitor = await enter(tx, by, type=type, id=id)
    if update_members or "remove-call-member" not in visitor.capabilities:
        visitor.require("update-call")
    specs = await read_members(tx, update_members, path="update_members")
    removed = {
        check_user_id(user_id, field=f"remove_members.{place}")
        for place, user_id in enumerate(remove_members)
    }
    if both := removed & {spec.user_id for spec in specs}:
        raise errors.InvalidInput(f"{min(both)} cannot be both added and removed.", field="remove_members")
    before = await permissions.held_by_present(tx, visitor.state)
    await apply_members(visitor, specs)
    await _remove(visitor, removed)
    after = await permissions.held_by_present(tx, visitor.state)
    permissions.announce(visitor.journal, visitor.state, before=before, after=after)
    await visitor.journal.flush()
    return await visitor.answer()


async def apply_members(visitor: Visit, specs: Sequence[MemberSpec]) -> None:
    """Write members as asked for, and note the events."""
    tx, state, journal = visitor.tx, visitor.state, visitor.journal
    cid = state.call.cid
    known = {member.user_id: member for member in (await members.of_calls(tx, [cid]))[cid]}
    named = await users.get_many(tx, [spec.user_id for spec in specs])
    state.users.update(named)
    for spec in specs:
        old = known.get(spec.user_id)
        member = _merged(old, spec, visitor)
        if member == old:
            continue
        if visitor.user is not None and member.role != (old.role if old else None):
            # Nobody hands out more than they have, to themselves or to others.
            visitor.require(*sorted(state.call_type.capabilities_of(member.role)))
        view = member_view(member, named[spec.user_id])
        if old is None:
            await members.insert(tx, [member])
            journal.event(state, kinds.MEMBER_ADDED, member=view, **journal.who(visitor.user))
        else:
            await members.update(tx, member)
            journal.event(state, kinds.MEMBER_UPDATED, member=view, **journal.who(visitor.user))
        _carry_role(visitor, member)


def _merged(old: Member | None, spec: MemberSpec, visitor: Visit) -> Member:
    now, cid = visitor.tx.now(), visitor.state.call.cid
    if old is None:
        return Member(
            cid=cid, user_id=spec.user_id, role=spec.role, custom=spec.custom, created_at=now, updated_at=now
        )
    role = spec.role if "role" in spec.given else old.role
    custom = spec.custom if "custom" in spec.given else old.custom
    if (role, custom) == (old.role, old.custom):
        return old
    return replace(old, role=role, custom=custom, updated_at=now)


def _carry_role(visitor: Visit, member: Member) -> None:
    """Let the member's new role show on those of their devices that are in the session."""
    state = visitor.state
    if state.session is None:
        return
    role = member.role or state.users[member.user_id].role
    decision = change_role(
        state.session, user_id=member.user_id, role=role, new_id=lambda: new_id("par"), now=visitor.tx.now()
    )
    if decision.session is not state.session:
        visitor.journal.apply(state, decision, still_in_media=False)


async def _remove(visitor: Visit, removed: set[str]) -> None:
    tx, state, journal = visitor.tx, visitor.state, visitor.journal
    cid = state.call.cid
    gone = [member for member in (await members.of_calls(tx, [cid]))[cid] if member.user_id in removed]
    if not gone:
        return
    named = await users.get_many(tx, [member.user_id for member in gone])
    await members.delete(tx, cid=cid, user_ids=[member.user_id for member in gone])
    for member in gone:
        view = member_view(member, named[member.user_id])
        journal.event(state, kinds.MEMBER_REMOVED, member=view, **journal.who(visitor.user))
    ids = {member.user_id for member in gone}
    if state.call_type.members_only and state.session is not None:
        leaving = tuple(p for p in state.session.participants if p.user_id in ids)
        journal.apply(state, leave(state.session, leaving, now=tx.now()))

"""Create a call, or find the one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callclock_server.domain import errors
from callclock_server.domain import events as kinds
from callclock_server.domain import settings as call_settings
from callclock_server.domain.call import Call, CallType, Member, User
from callclock_server.domain.identifiers import cid_of
from callclock_server.domain.permissions import Actor, require
from callclock_server.storage import call_types, calls, events, members, users
from callclock_server.storage.database import Transaction

from . import policies
from .access import Visit, acting_user, capabilities_in, look
from .answers import CallAnswer
from .data import CallData, read_call_data
from .journal import Journal
from .opening import schedule
from .state import CallState


async def get_or_create_call(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    data: Mapping[str, Any] | None = None,
) -> CallAnswer:
    """Return the call, created with `data` if there was none; one that exists is returned unchanged.

    Creating needs `create-call`; an override needs the right to override (design section 4). A server token
    names the creator in `created_by_id`. Who creates a call with a user token becomes its member.
    """
    cid = cid_of(type, id)
    by.require_call(cid)
    if await calls.get_many(tx, [cid]):
        try:
            return await (await look(tx, by, type=type, id=id)).answer()
        except errors.CallNotFound:
            # Not for these eyes. Who may not create hears so, the same as if there were no such call.
            await require_creation(tx, by, type=type)
            raise
    visitor = await create(tx, by, type=type, id=id, data=data)
    return await visitor.answer(created=True)


async def require_creation(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
) -> tuple[CallType, User | None]:
    """Return the type and who acts; raises CallTypeNotFound, or MissingCapability without `create-call`."""
    user = await acting_user(tx, by)
    call_type = await call_types.get(tx, type)
    if call_type is None:
        raise errors.CallTypeNotFound
    require(capabilities_in(call_type, user, None), "create-call")
    return call_type, user


async def create(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    data: Mapping[str, Any] | None,
) -> Visit:
    """Create a call that does not exist, for somebody who may."""
    call_type, user = await require_creation(tx, by, type=type)
    checked = await read_call_data(tx, data)
    creator = await _creator(tx, user, checked)
    added = _members(f"{type}:{id}", user, checked, tx)
    own = next((member for member in added if user and member.user_id == user.id), None)
    capabilities = capabilities_in(call_type, user, own)
    # The rights come from the role outside of the call: nobody grants them to themselves by their own member
    # role, nor to others.
    held = capabilities_in(call_type, user, None)
    _check_override(held, checked)
    for member in added:
        for capability in sorted(call_type.capabilities_of(member.role) - held):
            raise errors.MissingCapability(capability)
    _require_start(call_type, checked)
    await policies.require_valid(
        tx,
        checked.settings_override,
        call_settings.effective(call_type.settings, call_settings.patch({}, checked.settings_override)),
        field="data.settings_override",
    )
    state = await _insert(tx, call_type, creator, checked, added, id=id)
    if checked.starts_at is not None:
        await schedule(tx, state)
    if user is not None:
        state.users[user.id] = user
    journal = Journal(tx)
    journal.event(state, kinds.CALL_CREATED, **journal.who(creator))
    await journal.flush()
    return Visit(tx, state, journal, user, own, capabilities)


def _require_start(call_type: CallType, data: CallData) -> None:
    """Refuse a call without a start whose clock starts then."""
    own = data.settings_override.get("limits", {})
    starts = own.get("starts") or call_type.effective_settings["limits"]["starts"]
    if starts == "scheduled" and data.starts_at is None:
        raise errors.MissingField(
            "A call whose clock starts as scheduled needs starts_at.", field="data.starts_at"
        )


def _check_override(capabilities: frozenset[str], data: CallData) -> None:
    needed = []
    if call_settings.changes_duration(data.settings_override):
        needed.append("change-max-duration")
    if call_settings.changes_other(data.settings_override):
        needed.append("update-call-settings")
    for capability in needed:
        if capability not in capabilities:
            raise errors.MissingCapability(capability)


async def _creator(tx: Transaction, user: User | None, data: CallData) -> User:
    """Return who counts as the creator."""
    if user is not None:
        if data.created_by_id not in (None, user.id):
            raise errors.ServerTokenRequired("Only a server token may name another creator.")
        return user
    if data.created_by_id is None:
        raise errors.MissingField("A server token must name the creator.", field="data.created_by_id")
    return (await users.get_many(tx, [data.created_by_id]))[data.created_by_id]


def _members(cid: str, user: User | None, data: CallData, tx: Transaction) -> list[Member]:
    now = tx.now()
    added = [
        Member(
            cid=cid, user_id=spec.user_id, role=spec.role, custom=spec.custom, created_at=now, updated_at=now
        )
        for spec in data.members
    ]
    if user is not None and all(member.user_id != user.id for member in added):
        added.append(Member(cid=cid, user_id=user.id, role=None, custom={}, created_at=now, updated_at=now))
    return added


async def _insert(
    tx: Transaction,
    call_type: CallType,
    creator: User,
    data: CallData,
    added: list[Member],
    *,
    id: str,  # noqa: A002
) -> CallState:
    cid, now = f"{call_type.name}:{id}", tx.now()
    call = Call(
        cid=cid,
        type=call_type.name,
        id=id,
        created_by_id=creator.id,
        created_at=now,
        updated_at=now,
        starts_at=data.starts_at,
        settings_override=call_settings.patch({}, data.settings_override),
        custom=data.custom,
        # A call that was deleted and made again goes on counting: its ids must not be met twice.
        last_event_id=await events.last_id(tx, cid),
    )
    await calls.insert(tx, call)
    await members.insert(tx, added)
    return CallState(call, call_type, None, {creator.id: creator}, call, None)

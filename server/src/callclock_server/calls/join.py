"""Join a call (design rules 1, 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callclock_server.domain import clock, errors, presence, starting
from callclock_server.domain.call import User
from callclock_server.domain.capabilities import in_order
from callclock_server.domain.identifiers import check_name, check_user_id
from callclock_server.domain.input import text
from callclock_server.domain.permissions import Actor, publish_sources
from callclock_server.domain.session import Participant, Session
from callclock_server.domain.settings import Override
from callclock_server.storage import calls, ledger, members, users
from callclock_server.storage.database import Transaction

from .access import Visit, capabilities_in, enter
from .answers import JoinAnswer
from .create import create, require_creation
from .data import CallData, read_call_data
from .identifiers import new_id
from .members import apply_members
from .mirror import room_metadata
from .opening import start
from .presence import node_of
from .state import CallState, load_expected
from .update import apply_data, require_rights
from .views import participant_view

DEFAULT_DEVICE = "default"
# Of one user in one session. Each costs every request of the call a little, and who waits takes no place.
MOST_DEVICES = 100


async def join_call(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    create: bool = False,
    data: Mapping[str, Any] | None = None,
    user_id: str | None = None,
    device_id: str | None = None,
    connection_id: str | None = None,
    media_cluster: str | None = None,
) -> JoinAnswer:
    """Accept a join; the first one starts the session and its clock (design rule 1).

    With `create`, a call that does not exist is created. `data` that the joiner has no right to refuses the
    whole join: nobody joins on terms other than those asked for. A server token joins for `user_id`. A
    session that starts here has its room on `media_cluster`. Raises CallEnded after the end without
    `join-ended-call`, CallFull, MissingCapability.
    """
    if device_id is not None:
        check_name(device_id, field="device_id")
    if connection_id is not None:
        text(connection_id, field="connection_id", most=64)
    visitor, created = await _enter(tx, by, type=type, id=id, create_missing=create, data=data)
    joiner, capabilities = await _joiner(visitor, by, user_id=user_id)
    _require_entry(visitor)
    if data and not created:
        await _apply_terms(visitor, data)
        # The terms may have ended the session: a total below what has elapsed.
        await visitor.journal.flush()
        _require_entry(visitor)
    participant = await _accept(
        visitor,
        joiner,
        capabilities,
        device_id=device_id or DEFAULT_DEVICE,
        connection_id=connection_id,
        media_cluster=media_cluster,
    )
    await visitor.journal.flush()
    return await _answer(visitor, joiner, participant, capabilities, created=created)


async def _enter(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    create_missing: bool,
    data: Mapping[str, Any] | None,
) -> tuple[Visit, bool]:
    """Find the call, or create it where that is wanted and allowed."""
    try:
        return await enter(tx, by, type=type, id=id), False
    except errors.CallNotFound:
        if not create_missing:
            raise
        await require_creation(tx, by, type=type)
        if await calls.get_many(tx, [f"{type}:{id}"]):
            raise
    return await create(tx, by, type=type, id=id, data=data), True


async def _joiner(visitor: Visit, by: Actor, *, user_id: str | None) -> tuple[User, frozenset[str]]:
    """Return who joins, and what they may do in the call."""
    if visitor.user is not None:
        if user_id not in (None, visitor.user.id):
            raise errors.ServerTokenRequired("Only a server token may join for another user.")
        return visitor.user, visitor.capabilities
    if user_id is None:
        raise errors.MissingField("A server token must name the user who joins.", field="user_id")
    user = await users.get(visitor.tx, check_user_id(user_id, field="user_id"))
    if user is None:
        raise errors.UnknownUserReference(f"There is no user {user_id}.", field="user_id")
    member = await members.get(visitor.tx, cid=visitor.state.call.cid, user_id=user.id)
    visitor.member = member
    return user, capabilities_in(visitor.state.call_type, user, member)


def _require_entry(visitor: Visit) -> None:
    """Refuse whoever may not come in now."""
    visitor.require("join-call")
    state = visitor.state
    if state.call.ended_at is not None and "join-ended-call" not in visitor.capabilities:
        raise errors.CallEnded


async def _apply_terms(visitor: Visit, data: Mapping[str, Any]) -> None:
    """Apply the data of a join to a call that exists, for somebody who may."""
    require_rights(visitor, data)
    checked = await read_call_data(visitor.tx, data)
    creator = visitor.state.call.created_by_id
    if checked.created_by_id not in (None, creator):
        raise errors.InvalidInput("The call has another creator.", field="data.created_by_id")
    checked = replace(checked, settings_override=await _new_terms(visitor, checked))
    await apply_members(visitor, checked.members)
    await apply_data(visitor, checked, reason="join", field="data.settings_override")


async def _new_terms(visitor: Visit, data: CallData) -> Override:
    """Return the override without a limit that this session was given before.

    A page that asks for its total at every join is reloaded after an extension: without this, the reload
    would take the extension back, or even end the call (design rule 5: nothing but a change moves the
    deadline).
    """
    limits = data.settings_override.get("limits", {})
    session = visitor.state.session
    if session is None or limits.get("max_duration_seconds") is None:
        return data.settings_override
    changes = await ledger.of_session(visitor.tx, session.id)
    total, asked = 0, limits["max_duration_seconds"]
    for change in changes:
        total += change.seconds
        if change.how in ("start", "set") and total == asked:
            kept = {key: value for key, value in limits.items() if key != "max_duration_seconds"}
            return {**data.settings_override, "limits": kept}
    return data.settings_override


def require_room(state: CallState) -> None:
    """Raise CallFull when nobody else fits in; who waits takes no place."""
    most = state.settings["limits"]["max_participants"]
    people = state.session.participants if state.session else ()
    if most is not None and sum(p.waiting_since is None for p in people) >= most:
        raise errors.CallFull


async def _accept(
    visitor: Visit,
    joiner: User,
    capabilities: frozenset[str],
    *,
    device_id: str,
    connection_id: str | None,
    media_cluster: str | None,
) -> Participant:
    state, journal = visitor.state, visitor.journal
    state.users[joiner.id] = joiner
    session = state.session
    if session is None:
        session = start(journal, state, by=joiner.id, at=journal.now, media_cluster=media_cluster)
        await load_expected(visitor.tx, [state])
    backstage = "join-backstage" in capabilities
    wait = starting.must_wait(session, user_id=joiner.id, may_enter_backstage=backstage)
    old = presence.find(session, user_id=joiner.id, device_id=device_id)
    if not wait and (old is None or old.waiting_since is not None):
        require_room(state)
    if old is None and sum(p.user_id == joiner.id for p in session.participants) >= MOST_DEVICES:
        raise errors.CallFull(f"A user may be in a call with at most {MOST_DEVICES} devices.")
    accepted = presence.accept(
        session,
        participant_id=new_id("par"),
        user_id=joiner.id,
        role=(visitor.member.role if visitor.member else None) or joiner.role,
        device_id=device_id,
        connection_id=connection_id,
        node_id=node_of(connection_id),
        now=journal.now,
        wait=wait,
    )
    journal.apply(state, clock.Decision(accepted.session, accepted.events))
    journal.joined(state, joiner)
    return accepted.participant


async def _answer(
    visitor: Visit, joiner: User, participant: Participant, capabilities: frozenset[str], *, created: bool
) -> JoinAnswer:
    state = visitor.state
    session: Session | None = state.session
    assert session is not None
    answer = await visitor.answer(created=created)
    return JoinAnswer(
        call=answer.call,
        members=answer.members,
        own_capabilities=in_order(capabilities),
        created=created,
        participant=participant_view(participant, state.users),
        session_id=session.id,
        user_id=joiner.id,
        user_name=joiner.name or joiner.id,
        role=participant.role,
        waiting=participant.waiting_since is not None,
        room=session.id if session.engine == "livekit" and participant.waiting_since is None else None,
        room_metadata=room_metadata(session, now=visitor.journal.now),
        media_cluster=session.media_cluster,
        identity=participant.identity,
        sources=publish_sources(capabilities, state.settings),
        timer_ends_at=session.timer_ends_at,
    )

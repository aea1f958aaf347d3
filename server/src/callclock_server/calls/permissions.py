"""Live changes of what people may do: told to them, and carried into the media room (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from callclock_server.bus import ACCESS
from callclock_server.domain import capabilities as caps
from callclock_server.domain import events as kinds
from callclock_server.domain.permissions import publish_sources
from callclock_server.storage import events, members, outbox
from callclock_server.storage.database import Transaction

from .access import capabilities_in
from .journal import Journal
from .state import CallState

Held = dict[str, frozenset[str]]


async def access_changed(
    tx: Transaction, *, users: Sequence[str] | None = None, call_type: str | None = None
) -> None:
    """Have every node look again at what these users, or those in calls of a type, are watching."""
    concerned = {"users": list(users)} if users is not None else {"call_type": call_type}
    await events.append(tx, [events.notice(ACCESS, concerned, now=tx.now())])


async def held_by_present(tx: Transaction, state: CallState) -> Held:
    """Return what each user in the running session may do, by the state's type and the stored members."""
    if state.session is None or not state.session.participants:
        return {}
    listed = (await members.of_calls(tx, [state.call.cid]))[state.call.cid]
    by_user = {member.user_id: member for member in listed}
    held: Held = {}
    for participant in state.session.participants:
        user = state.users.get(participant.user_id)
        held[participant.user_id] = (
            capabilities_in(state.call_type, user, by_user.get(user.id)) if user else frozenset()
        )
    return held


def announce(journal: Journal, state: CallState, *, before: Held, after: Held) -> None:
    """Tell every user whose capabilities have changed, and set their permissions in the media room."""
    session = state.session
    if session is None:
        return
    for user_id, capabilities in after.items():
        if before.get(user_id, frozenset()) == capabilities:
            continue
        user = state.users.get(user_id)
        journal.event(
            state,
            kinds.PERMISSIONS_UPDATED,
            own_capabilities=caps.in_order(capabilities),
            **journal.who(user),
        )
    set_media_permissions(journal, state, before=before, after=after)


def set_media_permissions(journal: Journal, state: CallState, *, before: Held, after: Held) -> None:
    """Promise new publish permissions for those participants whose capabilities changed."""
    session = state.session
    if session is None or session.engine != "livekit":
        return
    for participant in session.participants:
        held = after.get(participant.user_id, frozenset())
        if held != before.get(participant.user_id):
            sources = publish_sources(held, state.settings)
            journal.room_effect(
                outbox.PARTICIPANT_PERMISSIONS, session, identity=participant.identity, sources=sources
            )

"""A call as a use case works on it: its row, type, running session and users, loaded in bulk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from callclock_server.domain.call import Call, CallType, User
from callclock_server.domain.decision import fair_of
from callclock_server.domain.reading import state_of
from callclock_server.domain.session import Participant, Session
from callclock_server.domain.settings import Settings, effective
from callclock_server.storage import calendars, call_types, calls, members, sessions, users
from callclock_server.storage.database import Transaction


@dataclass(slots=True)
class CallState:
    """A working copy. `stored_*` is what the database holds; the journal writes the difference.

    `expected` are members whose roles a waiting clock needs.
    """

    call: Call
    call_type: CallType
    session: Session | None
    users: dict[str, User]
    stored_call: Call | None = None
    stored_session: Session | None = None
    closed: list[Participant] = field(default_factory=list)
    expected: tuple[User, ...] = ()

    @property
    def settings(self) -> Settings:
        """The effective settings; while a session runs, the limit is the session's own total."""
        if not self.call.settings_override:
            settings = self.call_type.effective_settings
        else:
            settings = effective(self.call_type.settings, self.call.settings_override)
        if (
            self.session is None
            or settings["limits"]["max_duration_seconds"] == self.session.max_duration_seconds
        ):
            return settings
        limits = {**settings["limits"], "max_duration_seconds": self.session.max_duration_seconds}
        return {**settings, "limits": limits}

    def mark_stored(self) -> None:
        """Take the present state as what the database holds."""
        self.stored_call = self.call
        self.stored_session = self.session
        self.closed = []


async def load(tx: Transaction, cid: str) -> CallState | None:
    """Return the state of a call, or None."""
    return (await load_many(tx, [cid])).get(cid)


async def load_many(tx: Transaction, cids: Collection[str]) -> dict[str, CallState]:
    """Return the states of those of the calls that exist, with their running sessions.

    A transaction that writes gets them locked: nobody else changes them before it ends.
    """
    found = await (calls.lock if tx.writes else calls.get_many)(tx, cids)
    return await _assemble(tx, found)


async def load_claimed(tx: Transaction, cids: Collection[str]) -> dict[str, CallState]:
    """Return the states of calls that this transaction has locked already."""
    return await _assemble(tx, await calls.get_many(tx, cids))


async def _assemble(tx: Transaction, found: dict[str, Call]) -> dict[str, CallState]:
    if not found:
        return {}
    running = await sessions.running_of(tx, found)
    types = await call_types.get_many(tx, {call.type for call in found.values()})
    wanted = {call.created_by_id for call in found.values() if call.created_by_id is not None}
    wanted.update(p.user_id for session in running.values() for p in session.participants)
    known = await users.get_many(tx, wanted)
    states: dict[str, CallState] = {}
    for cid, call in found.items():
        session = running.get(cid)
        states[cid] = CallState(call, types[call.type], session, known, call, session)
    if any(session.fair is not None for session in running.values()):
        await _look_around(tx, [state for state in states.values() if state.session and state.session.fair])
    return states


async def _look_around(tx: Transaction, states: list[CallState]) -> None:
    """Load what clocks with policies ask of the world: members' next calls, and whom a clock waits for."""
    guarded: dict[str, datetime] = {}
    for state in states:
        session = state.session
        assert session is not None
        rules = fair_of(session).policy
        if rules.back_to_back != "off":
            guarded[session.cid] = state.call.starts_at or session.started_at
    free_until = await calendars.next_starts(tx, guarded) if guarded else {}
    for state in states:
        if state.call.cid in free_until and state.session is not None:
            fair = replace(fair_of(state.session), free_until=free_until[state.call.cid])
            state.session = state.stored_session = replace(state.session, fair=fair)
    await load_expected(tx, states)


async def load_expected(tx: Transaction, states: Sequence[CallState]) -> None:
    """Load whom the waiting clocks of these calls wait for."""
    waiting = [state for state in states if _waits_for_roles(state)]
    if not waiting:
        return
    listed = await members.of_calls(tx, [state.call.cid for state in waiting])
    known = await users.get_many(tx, {member.user_id for own in listed.values() for member in own})
    for state in waiting:
        assert state.session is not None
        required = fair_of(state.session).policy.required_roles
        state.expected = tuple(
            known[member.user_id]
            for member in listed[state.call.cid]
            if (member.role or known[member.user_id].role) in required
        )


def _waits_for_roles(state: CallState) -> bool:
    session = state.session
    if session is None or session.fair is None or not session.fair.policy.required_roles:
        return False
    return state_of(session) == "waiting"

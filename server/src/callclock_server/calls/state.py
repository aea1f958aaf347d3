"""A call as a use case works on it: its row, type, running session and users, loaded in bulk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from callclock_server.domain.call import Call, CallType, User
from callclock_server.domain.session import Participant, Session
from callclock_server.domain.settings import Settings, effective
from callclock_server.storage import call_types, calls, sessions, users
from callclock_server.storage.database import Transaction


@dataclass(slots=True)
class CallState:
    """A working copy. `stored_*` is what the database holds; the journal writes the difference."""

    call: Call
    call_type: CallType
    session: Session | None
    users: dict[str, User]
    stored_call: Call | None = None
    stored_session: Session | None = None
    closed: list[Participant] = field(default_factory=list)

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
    return states

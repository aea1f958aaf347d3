"""Calls that open by themselves: a scheduled clock, or a no-show to be noticed, though nobody came."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from callclock_server.domain import attendance, clock, policy
from callclock_server.domain import events as kinds
from callclock_server.domain.session import Session
from callclock_server.storage import openings, outbox, sessions
from callclock_server.storage.database import Transaction

from .identifiers import new_id
from .journal import Journal
from .state import CallState, load_expected


async def schedule(tx: Transaction, state: CallState) -> None:
    """Note when a call opens by itself, or that it does not any more."""
    opens_at = state.call.starts_at if _opens_by_itself(state) and state.call.ended_at is None else None
    await openings.put(tx, cid=state.call.cid, opens_at=opens_at)


def _opens_by_itself(state: CallState) -> bool:
    limits = state.settings["limits"]
    return limits["starts"] == "scheduled" or limits["no_show_seconds"] is not None


async def open_if_due(journal: Journal, state: CallState) -> bool:
    """Open a call whose start has come and that has had no session since; return whether it was opened.

    The session begins at `starts_at`, however late this is: what has become due since then is settled next.
    """
    starts_at = state.call.starts_at
    if starts_at is None or state.call.ended_at is not None or starts_at > journal.now:
        return False
    if not _opens_by_itself(state):
        return False
    if await sessions.held_after(journal.tx, cid=state.call.cid, moment=starts_at):
        return False
    start(journal, state, by=None, at=starts_at)
    assert state.session is not None
    await load_expected(journal.tx, [state])
    journal.apply(state, attendance.observe(state.session, at=starts_at))
    journal.apply(state, clock.settle(state.session, now=journal.now))
    return True


def start(
    journal: Journal, state: CallState, *, by: str | None, at: datetime, media_cluster: str | None = None
) -> Session:
    """Start a session of the call at a moment, with the first row of its ledger and its media room."""
    settings = state.settings
    session, change = clock.start_session(
        id=new_id("ses"),
        cid=state.call.cid,
        change_id=new_id("chg"),
        limits=settings["limits"],
        engine=settings["media"]["engine"],
        by=by,
        now=at,
        rules=policy.policy_of(settings),
        scheduled_at=state.call.starts_at,
        media_cluster=media_cluster if settings["media"]["engine"] == "livekit" else None,
    )
    if by is None:
        session = replace(session, empty_since=at)
    state.session = session
    state.call = replace(state.call, last_session_id=session.id)
    user = state.users.get(by) if by is not None else None
    journal.event(state, kinds.SESSION_STARTED, **journal.who(user))
    journal.started(state, change)
    if session.engine == "livekit":
        journal.room_effect(outbox.ROOM_ENSURE, session)
    return session

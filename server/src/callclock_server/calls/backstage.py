"""The waiting room, and the call's going live; all need `join-backstage` (design section 6)."""

from __future__ import annotations

from callclock_server.domain import attendance, starting
from callclock_server.domain.clock import Decision
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import Session
from callclock_server.storage.database import Transaction

from .access import Visit, enter, look
from .answers import CallAnswer, View
from .clock_by_hand import running
from .join import require_room
from .views import participant_view

RIGHT = "join-backstage"


async def list_waiting(tx: Transaction, by: Actor, *, type: str, id: str) -> list[View]:  # noqa: A002
    """Return who is in the waiting room, in the order of their coming."""
    visitor = await look(tx, by, type=type, id=id)
    visitor.require(RIGHT)
    session = visitor.state.session
    waiting = starting.waiting_in(session) if session is not None else ()
    return [participant_view(participant, visitor.state.users) for participant in waiting]


async def admit(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    user_id: str,
) -> tuple[CallAnswer, list[View]]:
    """Let a user in from the waiting room. Raises NoRunningSession, NotWaiting, CallFull."""
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require(RIGHT)
    session = running(visitor)
    decision = starting.admit(session, user_id=user_id, by=visitor.by_id, now=tx.now())
    require_room(visitor.state)
    await _apply(visitor, decision)
    inside = visitor.state.session.participants if visitor.state.session else ()
    admitted = [participant_view(p, visitor.state.users) for p in inside if p.user_id == user_id]
    return await visitor.answer(), admitted


async def go_live(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """Open the call: whoever waits comes in. Raises NoRunningSession."""
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require(RIGHT)
    session = running(visitor)
    if session.fair is not None:
        await _apply(visitor, starting.go_live(session, by=visitor.by_id, now=tx.now()))
    return await visitor.answer()


async def stop_live(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """Close the call again: newcomers wait, a running clock goes on. Raises NoRunningSession."""
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require(RIGHT)
    session: Session = running(visitor)
    if session.fair is not None:
        await _apply(visitor, starting.stop_live(session, by=visitor.by_id))
    return await visitor.answer()


async def _apply(visitor: Visit, decision: Decision) -> None:
    visitor.journal.apply(visitor.state, decision)
    assert visitor.state.session is not None
    seen = attendance.observe(visitor.state.session, at=visitor.journal.now)
    visitor.journal.apply(visitor.state, seen)
    await visitor.journal.flush()

"""End a call for everybody."""

from __future__ import annotations

from dataclasses import replace

from callclock_server.domain import clock
from callclock_server.domain import events as kinds
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import ENDED_BY_USER
from callclock_server.storage.database import Transaction

from .access import enter
from .answers import CallAnswer
from .times import rfc3339


async def end_call(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """End the call and its running session now; needs `end-call`. A call that has ended stays as it is."""
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require("end-call")
    state, journal, now = visitor.state, visitor.journal, tx.now()
    if state.session is not None:
        journal.apply(state, clock.end(state.session, at=now, reason=ENDED_BY_USER), by=visitor.user)
    elif state.call.ended_at is None:
        state.call = replace(state.call, ended_at=now, ended_reason=ENDED_BY_USER, updated_at=now)
        told = {"reason": ENDED_BY_USER, "ended_at": rfc3339(now)}
        journal.event(state, kinds.CALL_ENDED, **told, **journal.who(visitor.user))
    await journal.flush()
    return await visitor.answer()

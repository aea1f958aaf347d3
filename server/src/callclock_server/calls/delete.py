"""Delete a call."""

from __future__ import annotations

from callclock_server.domain import clock
from callclock_server.domain import events as kinds
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import CALL_DELETED
from callclock_server.storage import calls, sessions
from callclock_server.storage.database import Transaction

from .access import enter
from .answers import CallAnswer


async def delete_call(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """Delete a call, for a server token; a running session is ended first.

    Its sessions, their records and ledgers stay, and server tokens go on reading them: what was sold does not
    become unsold. Returns the call as it was in the end.
    """
    by.require_server()
    visitor = await enter(tx, by, type=type, id=id)
    state, journal = visitor.state, visitor.journal
    if state.session is not None:
        journal.apply(state, clock.end(state.session, at=tx.now(), reason=CALL_DELETED))
    journal.event(state, kinds.CALL_DELETED)
    await journal.flush()
    answer = await visitor.answer()
    await sessions.outlive(tx, cid=state.call.cid, at=tx.now())
    await calls.delete(tx, state.call.cid)
    return answer

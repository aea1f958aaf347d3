"""Reopen a call that has ended (design rule 6)."""

from __future__ import annotations

from dataclasses import replace

from callclock_server.domain import errors
from callclock_server.domain import events as kinds
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import Transaction

from .access import enter
from .answers import CallAnswer


async def reopen_call(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """Clear the end for everybody; the next join starts a new session with a ledger of its own.

    Needs `join-ended-call` and `change-max-duration`; raises CallNotEnded.
    """
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require("join-ended-call", "change-max-duration")
    state, journal = visitor.state, visitor.journal
    if state.call.ended_at is None:
        raise errors.CallNotEnded
    state.call = replace(state.call, ended_at=None, ended_reason=None, updated_at=tx.now())
    journal.event(state, kinds.CALL_UPDATED, **journal.who(visitor.user))
    await journal.flush()
    return await visitor.answer()

"""Settle sessions whose alarm has come: the body of the sweeper (design rules 4 and 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from callclock_server.domain.clock import settle
from callclock_server.domain.session import Session
from callclock_server.storage import sessions
from callclock_server.storage.database import Transaction

from .journal import Journal
from .state import load_sessions

RETRY_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one batch did: sessions claimed, and how many of them ended."""

    claimed: int
    ended: int


async def settle_due(tx: Transaction, *, limit: int = 500) -> SweepResult:
    """Claim up to `limit` due sessions and settle them, all in this transaction."""
    return await _settle(tx, await sessions.due(tx, now=tx.now(), limit=limit))


async def settle_one(tx: Transaction, *, session_id: str) -> SweepResult:
    """Settle one session if it is due."""
    return await _settle(tx, await sessions.is_due(tx, session_id=session_id, now=tx.now()))


async def due_ids(tx: Transaction, *, limit: int = 500) -> list[str]:
    """Return which sessions are due, for settling them one by one."""
    return await sessions.due_ids(tx, now=tx.now(), limit=limit)


async def postpone(tx: Transaction, *, session_id: str) -> None:
    """Leave a session that cannot be settled alone for a moment: others wait behind it."""
    await sessions.postpone(tx, session_id=session_id, until=tx.now() + RETRY_AFTER)


async def _settle(tx: Transaction, claimed: list[Session]) -> SweepResult:
    if not claimed:
        return SweepResult(0, 0)
    journal = Journal(tx)
    ended = 0
    for state in (await load_sessions(tx, claimed)).values():
        assert state.session is not None
        decision = settle(state.session, now=tx.now())
        journal.apply(state, decision)
        ended += not decision.session.running
        if decision.session == state.stored_session:
            # Due by its row, though nothing is: the alarm was postponed after a failure. Write the right one.
            await sessions.update(tx, [decision.session])
    await journal.flush()
    return SweepResult(len(claimed), ended)

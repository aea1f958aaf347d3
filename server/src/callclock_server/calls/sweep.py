"""Settle sessions whose alarm has come: the body of the sweeper (design rules 4 and 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from callclock_server.domain.clock import settle
from callclock_server.storage import calls, openings, sessions
from callclock_server.storage.database import Transaction

from .access import settle_state
from .journal import Journal
from .state import load_claimed

RETRY_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one batch did: calls claimed, and how many of their sessions ended."""

    claimed: int
    ended: int


async def settle_due(tx: Transaction, *, limit: int = 500) -> SweepResult:
    """Claim up to `limit` calls whose session is due and settle them, all in this transaction.

    When there are none, it is the turn of calls that open by themselves.
    """
    claimed = await sessions.claim_due(tx, now=tx.now(), limit=limit)
    return await _settle(tx, claimed) if claimed else await _open_due(tx, limit=limit)


async def _open_due(tx: Transaction, *, limit: int) -> SweepResult:
    """Open the calls whose start has come though nobody is there (design section 6)."""
    return await _open(tx, await openings.claim_due(tx, now=tx.now(), limit=limit))


async def _open(tx: Transaction, claimed: list[str]) -> SweepResult:
    if not claimed:
        return SweepResult(0, 0)
    journal = Journal(tx)
    for state in (await load_claimed(tx, claimed)).values():
        await settle_state(journal, state)
    await openings.remove(tx, claimed)
    return SweepResult(len(claimed), 0)


async def settle_one(tx: Transaction, *, cid: str) -> SweepResult:
    """Settle the session of one call if it is due, or open the call if that is."""
    claimed = await sessions.claim_one(tx, cid=cid, now=tx.now())
    if claimed:
        return await _settle(tx, claimed)
    return await _open(tx, await openings.claim_one(tx, cid=cid, now=tx.now()))


async def due_cids(tx: Transaction, *, limit: int = 500) -> list[str]:
    """Return the calls whose session or opening is due, for settling them one by one."""
    due = await sessions.due_cids(tx, now=tx.now(), limit=limit)
    return due or await openings.due_cids(tx, now=tx.now(), limit=limit)


async def postpone(tx: Transaction, *, cid: str) -> None:
    """Leave a call that cannot be settled or opened alone for a moment: others wait behind it."""
    await calls.lock(tx, [cid])
    await sessions.postpone(tx, cid=cid, until=tx.now() + RETRY_AFTER)
    await openings.postpone(tx, cid=cid, until=tx.now() + RETRY_AFTER)


async def _settle(tx: Transaction, claimed: list[str]) -> SweepResult:
    if not claimed:
        return SweepResult(0, 0)
    journal = Journal(tx)
    ended = 0
    for state in (await load_claimed(tx, claimed)).values():
        if state.session is None:
            continue  # it ended in the moment before we had the lock
        decision = settle(state.session, now=tx.now())
        journal.apply(state, decision)
        ended += not decision.session.running
        if decision.session == state.stored_session:
            # Due by its row, though nothing is: the alarm was postponed after a failure. Write the right one.
            await sessions.update(tx, [decision.session])
    await journal.flush()
    return SweepResult(len(claimed), ended)

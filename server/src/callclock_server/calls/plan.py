"""Settling ahead of time: what an alarm of the next seconds will write is decided and rendered before.

At the top of an hour thousands of sessions end at one instant. Reading them, deciding and building the events
costs many times what writing costs, and can be done before. Invariants:

- A plan is a cache, never the truth. Losing one (a killed process, a full memory) costs time and nothing
  else: what is due and not carried out is settled by `sweep.settle_due`, as if there had been no plan.
- The domain decides: a plan is what `settle` says of the stored state at the alarm's own moment, and what the
  journal makes of it. There are no rules here.
- It is carried out in a transaction that first locks the call, as every change does, and only if the rows it
  was made from are still the same versions: session, call, the users and the call type in its events. An
  extension that was acknowledged has changed the session, so the plan made before it is void; one that is
  being written has the call locked, so the plan is passed over.
- It is never carried out before its alarm, nor when the state that it leads to has been overtaken: its
  session's next alarm has come too, or a warning is no longer news.

Only PostgreSQL gives rows a version (see `storage.prepared`). On SQLite nobody plans.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from callclock_server.domain.clock import next_alarm_at, settle
from callclock_server.storage import prepared, tables
from callclock_server.storage.database import Transaction
from callclock_server.storage.prepared import Prepared, Upcoming

from .journal import Journal
from .state import CallState, load_many

# A session that goes on is told of its alarm at once or by the ordinary way, which looks at the time.
MOST_LATE = timedelta(seconds=1)


async def upcoming(tx: Transaction, *, until: datetime, limit: int) -> list[Upcoming]:
    """Return up to `limit` sessions whose alarm comes by `until`, the earliest first."""
    return await prepared.upcoming(tx, until=until, limit=limit)


async def prepare(tx: Transaction, cids: Collection[str]) -> list[Prepared]:
    """Return the plans of these calls' sessions, from one snapshot; none for what cannot be planned."""
    states = await load_many(tx, cids)
    standing = await prepared.standing(tx, list(states))
    shown = {cid: _users_shown(state) for cid, state in states.items()}
    users = await prepared.versions(tx, tables.users, set().union(*shown.values()))
    types = await prepared.versions(
        tx, tables.call_types, {state.call_type.name for state in states.values()}
    )
    plans = []
    for of in standing:
        state = states[of.cid]
        known = tuple((user_id, users[user_id]) for user_id in shown[of.cid] if user_id in users)
        plan = _plan(tx, of, state, known, (state.call_type.name, types[state.call_type.name]))
        if plan is not None:
            plans.append(plan)
    return plans


async def carry_out(tx: Transaction, plans: Sequence[Prepared]) -> int:
    """Write those of the plans that are due and still hold; return how many that were."""
    now = tx.now()
    return len(await prepared.write(tx, [plan for plan in plans if _holds(plan, now)]))


def _users_shown(state: CallState) -> set[str]:
    shown = {p.user_id for p in state.session.participants} if state.session else set()
    if state.call.created_by_id is not None:
        shown.add(state.call.created_by_id)
    return shown


def _plan(
    tx: Transaction,
    of: Upcoming,
    state: CallState,
    users: tuple[tuple[str, int], ...],
    call_type: tuple[str, int],
) -> Prepared | None:
    session, call = state.session, state.call
    if session is None or session.id != of.session_id:
        return None
    if session.fair is not None:
        return None  # its policies ask for more than these rows: calendars, records
    decision = settle(session, now=of.alarm_at)
    if decision.session == session:
        return None
    journal = Journal(tx, now=of.alarm_at)
    journal.apply(state, decision)
    writes = journal.compose()
    if writes.started or writes.arrived or writes.changes:
        return None
    before = {p.id: p for p in session.participants}
    return Prepared(
        of=of,
        ends=not decision.session.running,
        next_alarm_at=next_alarm_at(decision.session),
        session=prepared.session_row(tx, decision.session, session),
        call=prepared.call_row(tx, state.call, call),
        participants=tuple(prepared.participant_row(tx, p, before[p.id]) for p in writes.participants),
        events=tuple(writes.events),
        effects=tuple(writes.effects),
        users=users,
        call_type=call_type,
    )


def _holds(plan: Prepared, now: datetime) -> bool:
    if now < plan.of.alarm_at:
        return False
    if plan.ends:
        return True  # whenever it is told, it ended at its moment
    overtaken = plan.next_alarm_at is not None and plan.next_alarm_at <= now
    return not overtaken and now - plan.of.alarm_at <= MOST_LATE

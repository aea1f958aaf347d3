"""The session clock (design section 5). Pure: `now` comes in, a new session and what happened come out.

A session is driven by alarms: the next warning, the deadline, the end of a join's or a connection's time, the
end of an empty session's time. `settle` applies every alarm that has passed, each at its own moment, so that
it does not matter how late it is called: a process that was down across the deadline finds the same end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from . import errors
from .events import Ended, Left, SessionEvent, Warned
from .session import (
    EMPTY_TIMEOUT,
    ENDED_BY_USER,
    MAX_DURATION_REACHED,
    NEVER_CONNECTED,
    Change,
    Engine,
    Participant,
    Session,
)

_ENDS_CALL = frozenset({MAX_DURATION_REACHED, ENDED_BY_USER})


@dataclass(frozen=True, slots=True)
class Decision:
    """A session after a rule was applied, what happened, and the participants who are closed by it."""

    session: Session
    events: tuple[SessionEvent, ...] = ()
    closed: tuple[Participant, ...] = ()

    def then(self, later: Decision) -> Decision:
        """Return this decision followed by `later`."""
        return Decision(later.session, self.events + later.events, self.closed + later.closed)


def start_session(
    *,
    id: str,  # noqa: A002
    cid: str,
    change_id: str,
    limits: dict[str, Any],
    engine: Engine,
    by: str | None,
    now: datetime,
    media_cluster: str | None = None,
) -> tuple[Session, Change]:
    """Start a session at `now` under `limits` (the effective group of settings); return its first ledger row.

    Thresholds at or above the whole duration count as announced: nobody is warned before the call begins.
    """
    total = limits["max_duration_seconds"]
    session = Session(
        id=id,
        cid=cid,
        engine=engine,
        started_at=now,
        max_duration_seconds=total,
        warning_seconds=tuple(sorted(limits["warning_seconds"], reverse=True)),
        empty_timeout_seconds=limits["empty_timeout_seconds"],
        join_timeout_seconds=limits["join_timeout_seconds"],
        media_cluster=media_cluster,
    )
    reached = [t for t in session.warning_seconds if total is not None and t >= total]
    session = replace(session, warned_seconds=min(reached, default=None))
    change = Change(
        id=change_id,
        session_id=id,
        how="start",
        by=by,
        at=now,
        old_ends_at=None,
        new_ends_at=session.timer_ends_at,
        seconds=total or 0,
    )
    return session, change


def with_limits(session: Session, limits: dict[str, Any]) -> Session:
    """Return the session under changed settings of `limits`; its own total stays as it is."""
    return replace(
        session,
        warning_seconds=tuple(sorted(limits["warning_seconds"], reverse=True)),
        empty_timeout_seconds=limits["empty_timeout_seconds"],
        join_timeout_seconds=limits["join_timeout_seconds"],
    )


def extend(
    session: Session,
    *,
    seconds: int,
    ceiling_seconds: int,
    change_id: str,
    by: str | None,
    now: datetime,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> tuple[Session, Change]:
    """Move the deadline by `seconds`, negative ones towards now (design rule 3).

    Raises NoTimeLimit without a limit, InvalidInput for 0, LimitOutOfRange for a total outside 1..ceiling.
    """
    if session.max_duration_seconds is None:
        raise errors.NoTimeLimit
    if seconds == 0:
        raise errors.InvalidInput("seconds must not be 0.", field="seconds")
    total = session.max_duration_seconds + seconds
    if not 1 <= total <= ceiling_seconds:
        raise errors.LimitOutOfRange(
            f"The session's total would be {total} s; 1 to {ceiling_seconds} are accepted.", field="seconds"
        )
    changed = _with_total(session, total, now=now)
    return changed, Change(
        id=change_id,
        session_id=session.id,
        how="extend",
        by=by,
        at=now,
        old_ends_at=session.timer_ends_at,
        new_ends_at=changed.timer_ends_at,
        seconds=seconds,
        reason=reason,
        idempotency_key=idempotency_key,
    )


def set_limit(
    session: Session,
    *,
    max_duration_seconds: int | None,
    change_id: str,
    by: str | None,
    now: datetime,
    reason: str | None = None,
) -> tuple[Session, Change | None]:
    """Set the total (design rule 2): the deadline becomes `started_at` plus it; None removes the limit.

    Returns no change when the total is what it was. Call `settle` afterwards: a total that has elapsed
    already ends the session.
    """
    old = session.max_duration_seconds
    if old == max_duration_seconds:
        return session, None
    changed = _with_total(session, max_duration_seconds, now=now)
    return changed, Change(
        id=change_id,
        session_id=session.id,
        how="remove" if max_duration_seconds is None else "set",
        by=by,
        at=now,
        old_ends_at=session.timer_ends_at,
        new_ends_at=changed.timer_ends_at,
        seconds=(max_duration_seconds or 0) - (old or 0),
        reason=reason,
    )


def _with_total(session: Session, total: int | None, *, now: datetime) -> Session:
    """Change the total and re-arm the warnings that lie ahead again (design rule 8)."""
    changed = replace(session, max_duration_seconds=total)
    deadline = changed.timer_ends_at
    if deadline is None:
        # The empty timeout governs from here on; time spent empty under the limit does not count.
        return replace(changed, warned_seconds=None, empty_since=now if session.empty_since else None)
    if session.warned_seconds is None:
        return changed
    announced = [
        t for t in session.warning_seconds if t >= session.warned_seconds and _left(deadline, now) <= t
    ]
    return replace(changed, warned_seconds=min(announced, default=None))


def _left(deadline: datetime, now: datetime) -> float:
    return (deadline - now).total_seconds()


def passed_threshold(session: Session, *, now: datetime) -> int | None:
    """Return the smallest warning threshold that the time left has passed, for whoever comes late."""
    deadline = session.timer_ends_at
    if deadline is None:
        return None
    left = _left(deadline, session.ended_at or now)
    return min((t for t in session.warning_seconds if left <= t), default=None)


def end(session: Session, *, at: datetime, reason: str) -> Decision:
    """End the session at `at`. Nobody's stay reaches beyond it, and none ends before it began."""
    closed = tuple(
        replace(
            p,
            left_at=max(p.joined_at or p.accepted_at, min(at, p.lost_at or at)),
            join_expires_at=None,
            lost_at=None,
            grace_ends_at=None,
        )
        for p in session.participants
    )
    over = replace(session, ended_at=at, ended_reason=reason, participants=(), empty_since=None)
    return Decision(over, (Ended(at, reason, reason in _ENDS_CALL),), closed)


def depart(session: Session, participant: Participant, *, left_at: datetime, now: datetime) -> Decision:
    """Close one participant's stay. A join that never arrived is undone; the last such voids the session."""
    gone = replace(participant, left_at=left_at, join_expires_at=None, lost_at=None, grace_ends_at=None)
    rest = tuple(p for p in session.participants if p.id != participant.id)
    session = replace(session, participants=rest, empty_since=None if rest else now)
    events = (Left(gone),) if gone.joined_at is not None else ()
    decision = Decision(session, events, (gone,))
    if not rest and session.reached_at is None:
        return decision.then(end(session, at=now, reason=NEVER_CONNECTED))
    return decision


def next_alarm_at(session: Session) -> datetime | None:
    """Return when `settle` has something to do next; None when never (design rule 10)."""
    return min((at for at, _ in _alarms(session)), default=None)


def settle(session: Session, *, now: datetime) -> Decision:
    """Apply every alarm that has passed by `now`, in order, each at its own moment (design rules 1, 4, 5, 8).

    The deadline itself belongs to the end: at `now == timer_ends_at` the session is over.
    """
    decision = Decision(session)
    while decision.session.running:
        alarms = list(_alarms(decision.session))
        if not alarms:
            break
        at, alarm = min(alarms, key=lambda item: item[0])
        if at > now:
            break
        decision = decision.then(_ring(decision.session, alarm, at=at, now=now))
    return decision


def _alarms(session: Session) -> Iterator[tuple[datetime, str | Participant]]:
    """Yield all alarms of a running session; the deadline first: it wins over others of its moment."""
    if not session.running:
        return
    deadline = session.timer_ends_at
    if deadline is not None:
        yield deadline, "deadline"
        for threshold in session.warning_seconds:
            if session.warned_seconds is None or threshold < session.warned_seconds:
                yield deadline - timedelta(seconds=threshold), "warning"
                break
    elif session.empty_since is not None:
        yield session.empty_since + timedelta(seconds=session.empty_timeout_seconds), "empty"
    for participant in session.participants:
        ends_at = participant.grace_ends_at or participant.join_expires_at
        if ends_at is not None:
            yield ends_at, participant


def _ring(session: Session, alarm: str | Participant, *, at: datetime, now: datetime) -> Decision:
    if isinstance(alarm, Participant):
        # The grace forgives a short break; one that is not mended counts from its beginning.
        return depart(session, alarm, left_at=alarm.lost_at or at, now=at)
    if alarm == "deadline":
        return end(session, at=at, reason=MAX_DURATION_REACHED)
    if alarm == "empty":
        return end(session, at=at, reason=EMPTY_TIMEOUT)
    return _warn(session, now=now)


def _warn(session: Session, *, now: datetime) -> Decision:
    """Announce the smallest threshold that has passed; the larger ones are overtaken by it.

    After the deadline nobody is warned any more.
    """
    deadline = session.timer_ends_at
    assert deadline is not None
    passed = [t for t in session.warning_seconds if deadline - timedelta(seconds=t) <= now]
    threshold = min(passed)
    warned = replace(session, warned_seconds=threshold)
    if deadline <= now:
        return Decision(warned)
    seconds_left = max(0, round(_left(deadline, now)))
    return Decision(warned, (Warned(threshold, seconds_left, deadline),))

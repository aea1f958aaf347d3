"""The session clock (design sections 5 and 6). Pure: `now` in, a new session and what happened out.

A session is driven by alarms: the next warning, the deadline, the end of a join's or a connection's time, the
end of an empty session's time, the edges of its policies. `settle` applies every alarm that has passed, each
at its own moment, so that it does not matter how late it is called: a process that was down across the
deadline finds the same end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from . import errors, extending, overrunning, pausing, policy, reading, starting
from .attendance import depart, observe
from .decision import Decision, noted
from .ending import end
from .events import Warned
from .fair import Fair, Offer, Request
from .policy import Policy
from .session import EMPTY_TIMEOUT, MAX_DURATION_REACHED, Change, Engine, Participant, Session

__all__ = [
    "Decision",
    "depart",
    "end",
    "extend",
    "next_alarm_at",
    "passed_threshold",
    "set_limit",
    "settle",
    "start_session",
    "with_fair_clock",
    "with_limits",
    "with_policy",
]

_Alarm = str | Participant | Offer | Request
_OVERRUNS = frozenset({"fair_deadline", "overtime_used_up", "wall"})
_PAUSES = {"pause_used_up": pausing.USED_UP, "pause_overdue": pausing.LIMIT}


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
    rules: Policy = policy.PLAIN,
    scheduled_at: datetime | None = None,
) -> tuple[Session, Change]:
    """Start a session at `now` under `limits` (the effective group of settings); return its first ledger row.

    Under the plain policy its clock runs at once; else when its start rule says so (`attendance.observe`).
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
    if not policy.is_plain(rules):
        session = replace(session, fair=starting.first_state(rules, scheduled_at=scheduled_at, now=now))
        if rules.starts == "first_join" and not rules.backstage and by is not None:
            session = _running_from(session, now)
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
        details={"clock": "waiting"} if reading.state_of(session) == "waiting" else None,
    )
    return session, change


def _running_from(session: Session, now: datetime) -> Session:
    assert session.fair is not None
    fair = replace(session.fair, started_running_at=now)
    return replace(session, fair=pausing.absences(session, fair, at=now))


def with_limits(session: Session, limits: dict[str, Any]) -> Session:
    """Return the session under changed settings of `limits`; its own total stays as it is."""
    return replace(
        session,
        warning_seconds=tuple(sorted(limits["warning_seconds"], reverse=True)),
        empty_timeout_seconds=limits["empty_timeout_seconds"],
        join_timeout_seconds=limits["join_timeout_seconds"],
    )


def with_fair_clock(session: Session, rules: Policy) -> Session:
    """Return a session that can be paused, extended on consent and so on: a plain one gets `rules`.

    Its clock has run since the session started, and goes on as it did.
    """
    if session.fair is not None:
        return session
    seen = tuple(sorted({p.role for p in session.participants if p.present}))
    fair = Fair(policy=rules, started_running_at=session.started_at, seen_roles=seen, schedule_over=True)
    return replace(session, fair=fair)


def with_policy(
    session: Session,
    rules: Policy,
    *,
    by: str | None,
    now: datetime,
    reason: str | None = None,
    scheduled_at: datetime | None = None,
) -> Decision:
    """Put a running session under other rules from now on (design section 6); that is a row of its ledger.

    `scheduled_at` is the call's start as it is now. Returns the session unchanged when nothing differs. Call
    `settle` afterwards.
    """
    old = session.fair.policy if session.fair is not None else policy.PLAIN
    if session.fair is None and (rules == old or policy.is_plain(rules)):
        return Decision(session)
    differs: dict[str, Any] = policy.changes(old, rules)
    session = with_fair_clock(session, old)
    assert session.fair is not None
    if scheduled_at != session.fair.scheduled_at and session.fair.started_running_at is None:
        moments = (session.fair.scheduled_at, scheduled_at)
        differs["starts_at"] = [moment and moment.isoformat() for moment in moments]
    if not differs:
        return Decision(session)
    changed = replace(session.fair, policy=rules, scheduled_at=scheduled_at, changed_at=now)
    if not rules.backstage:
        changed = replace(changed, live=True, doors_open=True)
    decision = noted(session, changed, "policy", at=now, by=by, reason=reason, details={"changed": differs})
    session = overrunning.after_change(decision.session, now=now)
    opened = starting.let_in(session, starting.waiting_in(session), by=by, now=now)
    decision = decision.then(opened if not rules.backstage else Decision(session))
    # An absence that nobody minded until now counts from now.
    newly = {role: now for role in rules.pause_when_absent if role not in old.pause_when_absent}
    return decision.then(observe(decision.session, at=now, left=newly))


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
    details: dict[str, Any] | None = None,
) -> tuple[Session, Change]:
    """Move the deadline by `seconds`, negative ones towards now (design rule 3).

    Raises NoTimeLimit without a limit, InvalidInput for 0, LimitOutOfRange for a total outside 1..ceiling.
    What a policy allows is asked before, by `extending.check`.
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
    if changed.fair is not None and seconds > 0:
        changed = replace(changed, fair=extending.counted(changed.fair, seconds=seconds, now=now))
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
        details=details,
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
    if changed.fair is not None:
        changed = replace(changed, fair=replace(changed.fair, changed_at=now))
        changed = overrunning.after_change(changed, now=now)
    if total is None:
        # The empty timeout governs from here on; time spent empty under the limit does not count.
        return replace(changed, warned_seconds=None, empty_since=now if session.empty_since else None)
    left = reading.remaining(changed, now=now)
    if session.warned_seconds is None or left is None:
        return changed
    announced = [
        t for t in session.warning_seconds if t >= session.warned_seconds and left.total_seconds() <= t
    ]
    return replace(changed, warned_seconds=min(announced, default=None))


def passed_threshold(session: Session, *, now: datetime) -> int | None:
    """Return the smallest warning threshold that the time left has passed, for whoever comes late."""
    left = reading.remaining(session, now=session.ended_at or now)
    if left is None:
        return None
    return min((t for t in session.warning_seconds if left.total_seconds() <= t), default=None)


def next_alarm_at(session: Session) -> datetime | None:
    """Return when `settle` has something to do next; None when never (design rule 10)."""
    return min((at for at, _ in _alarms(session)), default=None)


def settle(session: Session, *, now: datetime) -> Decision:
    """Apply every alarm that has passed by `now`, in order, each at its own moment (design rules 1, 4, 5, 8).

    The deadline itself belongs to the end: at `now == timer_ends_at` the session is over, or in overtime.
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
    return decision if session.fair is None else _with_last_warning(decision, now=now)


def _alarms(session: Session) -> Iterator[tuple[datetime, _Alarm]]:
    """Yield all alarms of a running session; the deadline first: it wins over others of its moment."""
    if not session.running:
        return
    if session.fair is not None:
        yield from _fair_alarms(session)
    else:
        deadline = session.timer_ends_at
        if deadline is not None:
            yield deadline, "deadline"
            yield from _warning(session, deadline)
        elif session.empty_since is not None:
            yield session.empty_since + timedelta(seconds=session.empty_timeout_seconds), "empty"
    for participant in session.participants:
        ends_at = participant.grace_ends_at or participant.join_expires_at
        if ends_at is not None:
            yield ends_at, participant


def _warning(session: Session, deadline: datetime) -> Iterator[tuple[datetime, str]]:
    for threshold in session.warning_seconds:
        if session.warned_seconds is None or threshold < session.warned_seconds:
            yield deadline - timedelta(seconds=threshold), "warning"
            break


def _fair_alarms(session: Session) -> Iterator[tuple[datetime, _Alarm]]:
    yield from overrunning.alarms(session)
    yield from pausing.alarms(session)
    yield from starting.alarms(session)
    deadline = session.timer_ends_at
    if deadline is not None and reading.state_of(session) != "overtime":
        yield from _warning(session, deadline)
    if deadline is None and session.empty_since is not None and starting.no_show_due_at(session) is None:
        assert session.fair is not None
        empty_at = session.empty_since + timedelta(seconds=session.empty_timeout_seconds)
        # Not before whatever held it back: a no-show to be told, another policy.
        held_back = (session.fair.no_show_at, session.fair.changed_at)
        yield max([empty_at, *(moment for moment in held_back if moment is not None)]), "empty"
    yield from extending.alarms(session)


def _ring(session: Session, alarm: _Alarm, *, at: datetime, now: datetime) -> Decision:
    if isinstance(alarm, Participant):
        # The grace forgives a short break; one that is not mended counts from its beginning.
        return depart(session, alarm, left_at=alarm.lost_at or at, now=at)
    if isinstance(alarm, Offer | Request):
        return extending.expire(session, alarm, at=at)
    if alarm == "deadline":
        return end(session, at=at, reason=MAX_DURATION_REACHED)
    if alarm == "empty":
        return end(session, at=at, reason=EMPTY_TIMEOUT)
    if alarm == "warning":
        return _warn(session, now=now) if session.fair is None else _warn_at(session, at=at)
    return _ring_fair(session, alarm, at=at)


def _ring_fair(session: Session, alarm: str, *, at: datetime) -> Decision:
    if alarm in _OVERRUNS:
        return overrunning.ring(session, alarm, at=at)
    if alarm in _PAUSES:
        return pausing.resume(session, at=at, cause=_PAUSES[alarm])
    if alarm == "absence":
        return pausing.pause_for_absence(session, at=at)
    return starting.ring(session, alarm, at=at)


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
    seconds_left = max(0, round((deadline - now).total_seconds()))
    return Decision(warned, (Warned(threshold, seconds_left, deadline),))


def _warn_at(session: Session, *, at: datetime) -> Decision:
    """Announce a threshold at its own moment: a pause may follow, so that no other is overtaken yet."""
    deadline = session.timer_ends_at
    assert deadline is not None
    passed = [t for t in session.warning_seconds if deadline - timedelta(seconds=t) <= at]
    threshold = min(passed)
    return Decision(replace(session, warned_seconds=threshold), (Warned(threshold, threshold, deadline),))


def _with_last_warning(decision: Decision, *, now: datetime) -> Decision:
    """Leave only the newest of the warnings that were found late, and none after the deadline."""
    session = decision.session
    warnings = [event for event in decision.events if isinstance(event, Warned)]
    if not warnings:
        return decision
    others = tuple(event for event in decision.events if not isinstance(event, Warned))
    left, deadline = reading.remaining(session, now=now), session.timer_ends_at
    if not session.running or left is None or deadline is None or left <= timedelta(0):
        return replace(decision, events=others)
    newest = Warned(warnings[-1].threshold_seconds, max(0, round(left.total_seconds())), deadline)
    return replace(decision, events=(*others, newest))

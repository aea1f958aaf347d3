"""Pauses: the clock stands still while somebody who matters is away, or while it is halted by hand.

A role of `pause_when_absent` that is absent for longer than the grace pauses the clock, and the pause counts
from the beginning of the absence. All pauses together last `max_pause_seconds` at most; then the clock goes
on whoever is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from . import errors, reading
from .decision import Decision, fair_of, noted
from .fair import Fair, Pause
from .session import Session

_ZERO = timedelta(0)
RETURNED, BY_HAND, USED_UP, ENDED, LIMIT = (
    "returned",
    "by_hand",
    "max_pause_reached",
    "ended",
    "limit_changed",
)


def pause_by_hand(session: Session, *, by: str | None, reason: str | None, now: datetime) -> Decision:
    """Halt a running clock. Raises ClockNotRunning, or PauseLimitReached when all pauses are used up."""
    if reading.state_of(session) != "running":
        raise errors.ClockNotRunning
    if fair_of(session).pause_left == _ZERO:
        raise errors.PauseLimitReached
    return _pause(session, Pause(since=now, kind="manual", by=by, reason=reason), roles=())


def resume_by_hand(session: Session, *, by: str | None, reason: str | None, now: datetime) -> Decision:
    """Let a clock that was halted by hand go on. Raises ClockNotPaused, PausedForAbsence."""
    fair = fair_of(session)
    if reading.state_of(session) != "paused" or fair.pause is None:
        raise errors.ClockNotPaused
    if fair.pause.kind == "absence":
        raise errors.PausedForAbsence(tuple(role for role, _ in fair.absent))
    return resume(session, at=now, cause=BY_HAND, by=by, reason=reason)


def resume(
    session: Session, *, at: datetime, cause: str, by: str | None = None, reason: str | None = None
) -> Decision:
    """Let the clock go on at `at`; what it stood still counts up to what was allowed."""
    fair = fair_of(session)
    assert fair.pause is not None
    stood = max(_ZERO, min(at - fair.pause.since, fair.pause_left))
    gone_on = replace(fair, pause=None, paused=fair.paused + stood, resumed_at=fair.pause.since + stood)
    details = {"kind": fair.pause.kind, "cause": cause, "paused_seconds": stood.total_seconds()}
    return noted(
        session, gone_on, "resume", at=fair.pause.since + stood, by=by, reason=reason, details=details
    )


def absences(session: Session, fair: Fair, *, at: datetime) -> Fair:
    """Return the state with the roles that are away now, each with the moment since when."""
    if fair.started_running_at is None:
        return fair
    present = {p.role for p in session.participants if p.present}
    known, left = dict(fair.absent), dict(fair.role_left_at)
    absent: list[tuple[str, datetime]] = []
    for role in fair.policy.pause_when_absent:
        if role not in present:
            since = known.get(role) or max(left.get(role, fair.started_running_at), fair.started_running_at)
            absent.append((role, since))
    return fair if tuple(absent) == fair.absent else replace(fair, absent=tuple(absent))


def resume_if_back(session: Session, *, at: datetime) -> Decision:
    """Let a clock that waits for somebody go on when no absence is longer than the grace any more."""
    fair = fair_of(session)
    if fair.pause is None or fair.pause.kind != "absence":
        return Decision(session)
    grace = timedelta(seconds=fair.policy.absence_grace_seconds)
    if any(since + grace <= at for _, since in fair.absent):
        return Decision(session)
    return resume(session, at=at, cause=RETURNED)


def alarms(session: Session) -> Iterator[tuple[datetime, str]]:
    """Yield when an absence becomes a pause, and when a pause is used up."""
    fair = fair_of(session)
    if fair.pause is not None:
        if session.max_duration_seconds is not None and fair.changed_at is not None:
            left = reading.remaining(session, now=fair.pause.since)
            if left is not None and left <= _ZERO:  # shortened to less than what has run
                yield max(fair.changed_at, fair.pause.since), "pause_overdue"
        ends_at = fair.pause_ends_at
        assert ends_at is not None
        yield ends_at, "pause_used_up"
    elif reading.state_of(session) == "running" and fair.absent and fair.pause_left > _ZERO:
        yield min(_becomes_pause(fair, since) for _, since in fair.absent), "absence"


def pause_for_absence(session: Session, *, at: datetime) -> Decision:
    """Pause from the beginning of the absences whose grace is over at `at`."""
    fair = fair_of(session)
    over = [(role, since) for role, since in fair.absent if _becomes_pause(fair, since) <= at]
    since = max(min(since for _, since in over), _going_since(fair))
    return _pause(session, Pause(since=since, kind="absence"), roles=tuple(role for role, _ in over))


def _going_since(fair: Fair) -> datetime:
    assert fair.started_running_at is not None
    return fair.resumed_at or fair.started_running_at


def _becomes_pause(fair: Fair, since: datetime) -> datetime:
    return max(since + timedelta(seconds=fair.policy.absence_grace_seconds), _going_since(fair))


def _pause(session: Session, pause: Pause, *, roles: tuple[str, ...]) -> Decision:
    details = {"kind": pause.kind, **({"roles": list(roles)} if roles else {})}
    halted = replace(fair_of(session), pause=pause)
    return noted(session, halted, "pause", at=pause.since, by=pause.by, reason=pause.reason, details=details)

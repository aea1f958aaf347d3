"""Read a session's clock at a moment. Nothing here changes anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from .session import Session

State = Literal["waiting", "running", "paused", "overtime", "ended"]
_ZERO = timedelta(0)


def state_of(session: Session) -> State:
    """Return what the clock does."""
    fair = session.fair
    if not session.running:
        return "ended"
    if fair is None:
        return "running"
    if fair.started_running_at is None:
        return "waiting"
    if fair.pause is not None:
        return "paused"
    return "running" if fair.overtime_since is None else "overtime"


def expected_end(session: Session, *, now: datetime) -> datetime | None:
    """Return the deadline if the clock went on from now: without what a pause may yet bring, and uncapped.

    A clock that waits is taken to start now, or at its scheduled start if that lies ahead.
    """
    total, fair = session.max_duration_seconds, session.fair
    if total is None:
        return None
    if fair is None:
        return session.timer_ends_at
    if fair.started_running_at is None:
        return max(now, fair.scheduled_at or now) + timedelta(seconds=total)
    return fair.started_running_at + timedelta(seconds=total) + paused(session, now=now)


def remaining(session: Session, *, now: datetime) -> timedelta | None:
    """Return what is left, below zero after the deadline. It stands still while waiting and paused."""
    total, fair = session.max_duration_seconds, session.fair
    if total is None:
        return None
    if fair is None or fair.started_running_at is None:
        deadline = session.timer_ends_at
        return timedelta(seconds=total) if deadline is None else deadline - now
    end = expected_end(session, now=now)
    assert end is not None
    wall = fair.wall_ends_at
    return (end if wall is None else min(end, wall)) - now


def paused(session: Session, *, now: datetime) -> timedelta:
    """Return the sum of all pauses until now."""
    fair = session.fair
    if fair is None:
        return _ZERO
    if fair.pause is None:
        return fair.paused
    return fair.paused + max(_ZERO, min(now - fair.pause.since, fair.pause_left))


def overtime(session: Session, *, now: datetime) -> timedelta:
    """Return the overtime until now."""
    fair = session.fair
    if fair is None or fair.overtime_since is None:
        return _ZERO
    return max(_ZERO, (session.ended_at or now) - fair.overtime_since)


def waiting(session: Session, *, now: datetime) -> timedelta:
    """Return how long the clock waited for its start."""
    fair = session.fair
    if fair is None:
        return _ZERO
    return (fair.started_running_at or session.ended_at or now) - session.started_at


def elapsed(session: Session, *, now: datetime) -> timedelta:
    """Return the running time until now: the wall time without waiting, pauses and overtime."""
    until = session.ended_at or now
    wall = max(_ZERO, until - session.started_at)
    if session.fair is None:
        return wall
    others = waiting(session, now=until) + paused(session, now=until) + overtime(session, now=until)
    return max(_ZERO, wall - others)


def overtime_limit(session: Session, since: datetime) -> datetime:
    """Return the hard end of an overtime that begins at `since`; `since` itself when there is none.

    The wall time cuts it, and so does a member's next call where the guard refuses to run into it.
    """
    fair = session.fair
    if fair is None or fair.policy.overtime_seconds == 0:
        return since
    ends_at = since + timedelta(seconds=fair.policy.overtime_seconds)
    if fair.wall_ends_at is not None:
        ends_at = min(ends_at, fair.wall_ends_at)
    if fair.policy.back_to_back == "refuse" and fair.free_until is not None:
        ends_at = min(ends_at, fair.free_until)
    return max(ends_at, since)

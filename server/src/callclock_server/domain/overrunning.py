"""What comes after zero: overtime, the hard end, and the cap on the wall time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from . import reading
from .decision import Decision, fair_of, noted
from .ending import end
from .session import MAX_DURATION_REACHED, MAX_WALL_REACHED, OVERTIME_USED_UP, Session


def alarms(session: Session) -> Iterator[tuple[datetime, str]]:
    """Yield the deadline, the end of the overtime, and the end of the wall time of an unlimited session."""
    fair, deadline = fair_of(session), session.timer_ends_at
    if fair.overtime_ends_at is not None:
        yield fair.overtime_ends_at, "overtime_used_up"
    elif deadline is not None:
        # A total below what has run ends the session at the change, not before it.
        yield max(deadline, fair.changed_at or deadline), "fair_deadline"
    elif fair.wall_ends_at is not None:
        yield fair.wall_ends_at, "wall"


def ring(session: Session, alarm: str, *, at: datetime) -> Decision:
    """Apply one of these alarms: go into overtime, or end."""
    fair = fair_of(session)
    if alarm == "overtime_used_up":
        walled = fair.overtime_ends_at == fair.wall_ends_at
        return end(session, at=at, reason=MAX_WALL_REACHED if walled else OVERTIME_USED_UP)
    if alarm == "wall" or _cut_by_wall(session):
        return end(session, at=at, reason=MAX_WALL_REACHED)
    ends_at = reading.overtime_limit(session, at)
    if ends_at == at:
        return end(session, at=at, reason=MAX_DURATION_REACHED)
    over = replace(fair, overtime_since=at, overtime_ends_at=ends_at)
    return noted(session, over, "overtime", at=at, details={"overtime_ends_at": _text(ends_at)})


def _cut_by_wall(session: Session) -> bool:
    fair = fair_of(session)
    end_without_cap = fair.uncapped_end(session.max_duration_seconds)
    return end_without_cap is not None and end_without_cap != session.timer_ends_at


def after_change(session: Session, *, now: datetime) -> Session:
    """Return a session in overtime after its total or policy changed: what the total covers is no overtime.

    With a deadline that lies ahead again it runs; else its overtime begins at the later of deadline and its
    old beginning.
    """
    fair = fair_of(session)
    if fair.overtime_since is None:
        return session
    deadline = session.timer_ends_at
    if deadline is None or deadline > now:
        return replace(session, fair=replace(fair, overtime_since=None, overtime_ends_at=None))
    since = max(fair.overtime_since, deadline)
    ends_at = max(now, reading.overtime_limit(session, since))
    return replace(session, fair=replace(fair, overtime_since=since, overtime_ends_at=ends_at))


def _text(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"

"""The record of a session: what happened, who was there and for how long (design section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .session import Participant, Session

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Attendance:
    """One user's stays, and the time they cover together: two devices at once count once."""

    user_id: str
    role: str
    stays: tuple[Participant, ...]
    present_seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """Sums of a session; of a running one, up to `now`."""

    wall_seconds: float
    running_seconds: float
    all_present_seconds: float
    attendance: tuple[Attendance, ...]


def make_record(session: Session, stays: Sequence[Participant], *, now: datetime) -> Record:
    """Sum up a session from all stays of its participants; joins that were undone do not count.

    A void session counts for nothing (design rule 1).
    """
    until = session.ended_at or now
    by_user: dict[str, list[Participant]] = {}
    for stay in sorted(stays, key=lambda p: p.joined_at or p.accepted_at):
        if stay.joined_at is not None:
            by_user.setdefault(stay.user_id, []).append(stay)
    covered = {user: _union(_interval(stay, until) for stay in own) for user, own in by_user.items()}
    attendance = tuple(
        Attendance(user, own[-1].role, tuple(own), _length(covered[user])) for user, own in by_user.items()
    )
    wall = 0.0 if session.void else max(0.0, (until - session.started_at).total_seconds())
    together: list[Interval] | None = None
    for intervals in covered.values():
        together = intervals if together is None else _intersection(together, intervals)
    return Record(wall, wall, _length(together or []), attendance)


def _interval(stay: Participant, until: datetime) -> Interval:
    assert stay.joined_at is not None
    return stay.joined_at, max(stay.joined_at, stay.left_at or until)


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, stop in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((begin, stop))
    return merged


def _intersection(left: list[Interval], right: list[Interval]) -> list[Interval]:
    common = ((max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right)
    return [(begin, stop) for begin, stop in common if begin < stop]


def _length(intervals: Iterable[Interval]) -> float:
    return sum((stop - begin).total_seconds() for begin, stop in intervals)

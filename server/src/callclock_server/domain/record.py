"""The record of a session: what happened, who was there and for how long (design section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from . import reading
from .session import Change, Participant, Session

Interval = tuple[datetime, datetime]
ClockState = Literal["waiting", "running", "paused", "overtime"]


@dataclass(frozen=True, slots=True)
class ClockInterval:
    """A stretch of a session in which its clock did one thing."""

    state: ClockState
    started_at: datetime
    ended_at: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Attendance:
    """One user's stays, and the time they cover together: two devices at once count once."""

    user_id: str
    role: str
    stays: tuple[Participant, ...]
    presence: tuple[Interval, ...]
    present_seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """Sums of a session; of a running one, up to `now`. Waiting, running, paused, overtime make the wall."""

    wall_seconds: float
    waiting_seconds: float
    running_seconds: float
    paused_seconds: float
    overtime_seconds: float
    all_present_seconds: float
    required_present_seconds: float | None
    intervals: tuple[ClockInterval, ...]
    attendance: tuple[Attendance, ...]


def make_record(
    session: Session, stays: Sequence[Participant], changes: Sequence[Change] = (), *, now: datetime
) -> Record:
    """Sum up a session from all stays of its participants and its ledger; undone joins do not count.

    A void session counts for nothing (design rule 1).
    """
    until = max(session.started_at, session.ended_at or now)
    attendance = attendances(stays, until=until)
    intervals = () if session.void else clock_intervals(session, changes, until=until)
    sums = dict.fromkeys(("waiting", "running", "paused", "overtime"), 0.0)
    for interval in intervals:
        sums[interval.state] += interval.seconds
    together = [list(one.presence) for one in attendance]
    return Record(
        wall_seconds=0.0 if session.void else (until - session.started_at).total_seconds(),
        waiting_seconds=round(sums["waiting"], 6),
        running_seconds=round(sums["running"], 6),
        paused_seconds=round(sums["paused"], 6),
        overtime_seconds=round(sums["overtime"], 6),
        all_present_seconds=_length(_common(together)),
        required_present_seconds=required_present(session, stays, until=until),
        intervals=intervals,
        attendance=attendance,
    )


def attendances(stays: Sequence[Participant], *, until: datetime) -> tuple[Attendance, ...]:
    """Return who was there, in the order of their coming."""
    by_user: dict[str, list[Participant]] = {}
    for stay in sorted(stays, key=lambda stay: _order(stay, until)):
        if stay.joined_at is not None:
            by_user.setdefault(stay.user_id, []).append(stay)
    found = []
    for user, own in by_user.items():
        covered = _union(_interval(stay, until) for stay in own)
        found.append(Attendance(user, own[-1].role, tuple(own), tuple(covered), _length(covered)))
    return tuple(found)


def _order(stay: Participant, until: datetime) -> tuple[datetime, str, str, bool, datetime, str]:
    """Return what tells stays apart without their ids: a record made anew has them in the same order."""
    begins, stops = stay.joined_at or stay.accepted_at, stay.left_at or until
    return begins, stay.user_id, stay.device_id, stay.left_at is None, stops, stay.role


def required_present(session: Session, stays: Sequence[Participant], *, until: datetime) -> float | None:
    """Return how long all required roles were there at once; None without required roles."""
    roles = session.fair.policy.required_roles if session.fair is not None else ()
    if not roles:
        return None
    return roles_present_seconds(roles, stays, until=until)


def roles_present_seconds(roles: Sequence[str], stays: Sequence[Participant], *, until: datetime) -> float:
    """Return how long somebody of each of these roles was there at once."""
    there = [p for p in stays if p.joined_at is not None]
    return _length(_common([_union(_interval(p, until) for p in there if p.role == role) for role in roles]))


def clock_intervals(
    session: Session, changes: Sequence[Change], *, until: datetime
) -> tuple[ClockInterval, ...]:
    """Return what the clock did, without a gap, from the start of the session to `until`."""
    fair = session.fair
    if fair is None:
        return _filled(session.started_at, until, running_from=session.started_at, pauses=(), over=None)
    pauses = _pauses(changes)
    if fair.pause is not None:
        end = fair.pause.since + (reading.paused(session, now=until) - fair.paused)
        pauses.append((fair.pause.since, end))
    return _filled(
        session.started_at,
        until,
        running_from=fair.started_running_at,
        pauses=pauses,
        over=fair.overtime_since,
    )


def _pauses(changes: Sequence[Change]) -> list[Interval]:
    """Return the pauses that are over, from the rows of the ledger."""
    pauses: list[Interval] = []
    begun: datetime | None = None
    for change in changes:
        if change.how == "pause":
            begun = change.at
        elif change.how == "resume" and begun is not None:
            pauses.append((begun, change.at))
            begun = None
    return pauses


def _filled(
    started_at: datetime,
    until: datetime,
    *,
    running_from: datetime | None,
    pauses: Sequence[Interval],
    over: datetime | None,
) -> tuple[ClockInterval, ...]:
    begins = min(running_from or until, until)
    parts: list[ClockInterval] = [ClockInterval("waiting", started_at, begins)]
    last = min(over or until, until)
    here = begins
    for begin, stop in pauses:
        parts += [ClockInterval("running", here, begin), ClockInterval("paused", begin, stop)]
        here = stop
    parts += [ClockInterval("running", here, last), ClockInterval("overtime", last, until)]
    return tuple(part for part in parts if part.started_at < part.ended_at)


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


def _common(several: Sequence[list[Interval]]) -> list[Interval]:
    """Return when all of these held at once; never, when there are none."""
    common: list[Interval] = several[0] if several else []
    for intervals in several[1:]:
        common = _intersection(common, intervals)
    return common


def _intersection(left: list[Interval], right: list[Interval]) -> list[Interval]:
    common = ((max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right)
    return [(begin, stop) for begin, stop in common if begin < stop]


def _length(intervals: Iterable[Interval]) -> float:
    return sum((stop - begin).total_seconds() for begin, stop in intervals)

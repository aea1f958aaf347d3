"""What the rows of a ledger prove: the deadline, without a look at the session they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .session import Change


@dataclass(frozen=True, slots=True)
class Account:
    """What a ledger adds up to. `paused` counts pauses that are over."""

    started_running_at: datetime | None
    total_seconds: int | None
    paused: timedelta
    timer_ends_at: datetime | None
    overtime_since: datetime | None


def account(changes: Sequence[Change], *, max_wall_seconds: int | None = None) -> Account:
    """Add up a ledger, the oldest row first.

    The clock started with the row `clock_start`, or with the first row unless that says `waiting`. The total
    is the sum of the seconds, each pause moves the deadline by its length, and no deadline lies beyond the
    wall.
    """
    started = running_from(changes)
    total = 0
    limited = bool(changes) and (changes[0].seconds != 0 or changes[0].new_ends_at is not None)
    paused, begun, over = timedelta(0), None, None
    for change in changes:
        total += change.seconds
        if change.how in ("set", "remove"):
            limited = change.how == "set"
        if change.how == "pause":
            begun = change.at
        elif change.how == "resume" and begun is not None:
            paused, begun = paused + (change.at - begun), None
        elif change.how == "overtime":
            over = change.at
        elif over is not None:
            ahead = change.new_ends_at is None or change.new_ends_at > change.at
            over = None if ahead else max(over, change.new_ends_at or over)
    ends_at = started + timedelta(seconds=total) + paused if started is not None and limited else None
    if ends_at is not None and started is not None and max_wall_seconds is not None:
        ends_at = min(ends_at, started + timedelta(seconds=max_wall_seconds))
    return Account(started, total if limited else None, paused, ends_at, over)


def running_from(changes: Sequence[Change]) -> datetime | None:
    """Return when the clock started, as the ledger tells it."""
    for change in changes:
        if change.how == "clock_start":
            return change.at
    if not changes or (changes[0].details or {}).get("clock") == "waiting":
        return None
    return changes[0].at

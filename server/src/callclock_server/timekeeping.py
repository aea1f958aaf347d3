"""The one place that reads the clock (style rule 1; design rule 9).

Everything else is handed a `Clock` or, better, a `now`. Times are aware datetimes in UTC with microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# How far two oscillators may drift apart in a second: worse than any that is in order.
_DRIFT = 200e-6


class Clock(Protocol):
    """Tells the present moment as an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def ticks() -> float:
    """Seconds since some moment, never set back: with the time that the machine slept, where it can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class FollowingClock:
    """Follows another clock, that of the database: what `learn` is told of it, carried on by `ticks`.

    The machine's own clock is asked only until the first measurement, and for `ahead_seconds`. The time never
    goes backwards: when the other clock is set back, this one stands until it is caught up with.

    Each measurement says between which bounds the other clock stands: it was read at some moment between
    the question and the answer. Bounds that overlap are narrowed to what they share, so that a slow answer
    cannot spoil what a quick one has told; where they do not, the other clock has been set, and the new ones
    count.
    """

    def __init__(self, *, local: Clock | None = None, ticks: Callable[[], float] = ticks) -> None:
        self._local = local or SystemClock()
        self._ticks = ticks
        self._least = self._most = 0.0  # bounds of (the other's seconds since 1970) - ticks
        self._learned_at: float | None = None
        self._last = 0

    @property
    def synchronised(self) -> bool:
        """Whether the other clock has been read at all."""
        return self._learned_at is not None

    @property
    def ahead_seconds(self) -> float:
        """How far the followed clock is ahead of this machine's own; 0 before the first measurement."""
        if not self.synchronised:
            return 0.0
        return (self.now() - self._local.now()).total_seconds()

    @property
    def uncertainty_seconds(self) -> float:
        """How far `now` may be from the followed clock."""
        least, most = self._bounds(self._ticks())
        return (most - least) / 2

    def ticks(self) -> float:
        """The reading of `ticks` that `learn` wants, before the question and after the answer."""
        return self._ticks()

    def learn(self, reading: datetime, *, asked_at: float, answered_at: float) -> None:
        """Take in what the other clock said to a question, with the ticks around it."""
        told = (reading - _EPOCH) / timedelta(seconds=1)
        least, most = told - answered_at, told - asked_at
        if self.synchronised:
            known_least, known_most = self._bounds(answered_at)
            if max(least, known_least) <= min(most, known_most):
                least, most = max(least, known_least), min(most, known_most)
        self._least, self._most, self._learned_at = least, most, answered_at

    def now(self) -> datetime:
        """Return the other clock's time; this machine's before anything was learned."""
        if not self.synchronised:
            return self._local.now()
        now = int(((self._least + self._most) / 2 + self._ticks()) * 1_000_000)
        self._last = max(now, self._last)
        return _EPOCH + self._last * _MICROSECOND

    def _bounds(self, at: float) -> tuple[float, float]:
        """The bounds as they are now: the longer ago they were measured, the wider."""
        drift = _DRIFT * (at - (at if self._learned_at is None else self._learned_at))
        return self._least - drift, self._most + drift


class FakeClock:
    """A clock that stands still until told otherwise: an hour's appointment takes milliseconds."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = (start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)).astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move on by `seconds` (negative: back) and return the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Stand at `moment`."""
        self._now = moment.astimezone(UTC)

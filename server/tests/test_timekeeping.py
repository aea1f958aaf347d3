"""The clock that follows another: exact within its bounds, never backwards, indifferent to the machine's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callclock_server.timekeeping import FakeClock, FollowingClock
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
rounds = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=12
)  # seconds before the question, to the reading, to the answer


class Ticks:
    def __init__(self) -> None:
        self.value = 12_345.678

    def __call__(self) -> float:
        return self.value


def following(ticks: Ticks) -> FollowingClock:
    return FollowingClock(local=FakeClock(START - timedelta(hours=1)), ticks=ticks)


def ask(clock: FollowingClock, ticks: Ticks, theirs: FakeClock, *, there: float, back: float) -> None:
    asked_at = ticks.value
    ticks.value += there
    reading = theirs.advance(there)
    ticks.value += back
    theirs.advance(back)
    clock.learn(reading, asked_at=asked_at, answered_at=ticks.value)


@given(rounds)
def test_true_time_lies_within_the_bounds_however_slow_the_answers(way: list[tuple[float, ...]]) -> None:
    ticks, theirs = Ticks(), FakeClock(START)
    clock = following(ticks)
    for pause, there, back in way:
        ticks.value += pause
        theirs.advance(pause)
        ask(clock, ticks, theirs, there=there, back=back)
    error = abs((clock.now() - theirs.now()).total_seconds())
    assert error <= clock.uncertainty_seconds + 50e-6  # the fake rounds each step to microseconds


def test_quick_answer_is_not_spoiled_by_slow_ones() -> None:
    ticks, theirs = Ticks(), FakeClock(START)
    clock = following(ticks)
    ask(clock, ticks, theirs, there=0.0001, back=0.0001)
    for _ in range(3):
        ask(clock, ticks, theirs, there=0.0, back=1.5)
        assert abs(clock.now() - theirs.now()) < timedelta(milliseconds=2)


def test_clock_that_is_set_back_is_waited_for_and_one_that_is_set_ahead_is_followed() -> None:
    ticks, theirs = Ticks(), FakeClock(START)
    clock = following(ticks)
    ask(clock, ticks, theirs, there=0, back=0)
    before = clock.now()
    theirs.advance(-2)
    ask(clock, ticks, theirs, there=0, back=0)
    assert clock.now() == before
    ticks.value += 3
    theirs.advance(3)
    assert abs(clock.now() - theirs.now()) < timedelta(milliseconds=1)
    theirs.advance(100)
    ask(clock, ticks, theirs, there=0, back=0)
    assert abs(clock.now() - theirs.now()) < timedelta(milliseconds=1)


def test_machine_clock_counts_only_until_the_first_reading() -> None:
    ticks, theirs, local = Ticks(), FakeClock(START), FakeClock(START - timedelta(hours=1))
    clock = FollowingClock(local=local, ticks=ticks)
    assert clock.now() == local.now()
    assert clock.ahead_seconds == 0
    ask(clock, ticks, theirs, there=0, back=0)
    local.advance(7 * 3600)
    assert abs(clock.now() - START) < timedelta(milliseconds=1)
    assert round(clock.ahead_seconds) == -6 * 3600

"""The session clock, rule by rule (design section 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from callclock_server.domain import clock, presence
from callclock_server.domain.errors import InvalidInput, LimitOutOfRange, NoTimeLimit
from callclock_server.domain.events import Ended, Left, Warned
from callclock_server.domain.record import make_record
from callclock_server.domain.session import Session
from callclock_server.domain.settings import DEFAULTS

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def running(total: int | None = 3600, *, engine: Any = "none", **limits: Any) -> Session:
    given = {**DEFAULTS["limits"], "max_duration_seconds": total, **limits}
    session, _ = clock.start_session(
        id="s", cid="t:c", change_id="c0", limits=given, engine=engine, by="ann", now=START
    )
    return join(session, "ann")


def join(session: Session, user: str, *, at: float = 0, connection: str | None = None) -> Session:
    return presence.accept(
        session,
        participant_id=f"p-{user}-{at}",
        user_id=user,
        role="user",
        device_id="default",
        connection_id=connection,
        now=after(at),
    ).session


def extended(session: Session, seconds: int, *, at: float) -> Session:
    return clock.extend(
        session, seconds=seconds, ceiling_seconds=86_400, change_id="c", by=None, now=after(at)
    )[0]


def warnings_at(session: Session, seconds: float) -> list[int]:
    events = clock.settle(session, now=after(seconds)).events
    return [event.threshold_seconds for event in events if isinstance(event, Warned)]


def test_deadline_belongs_to_the_end() -> None:
    session = running(60)
    just_before = clock.settle(session, now=after(60) - timedelta(microseconds=1))
    assert just_before.session.running
    over = clock.settle(session, now=after(60)).session
    assert (over.ended_at, over.ended_reason) == (after(60), "max_duration_reached")


def test_end_that_is_found_late_still_has_the_deadline_as_its_end() -> None:
    decision = clock.settle(running(60), now=after(5000))
    assert decision.events == (Ended(after(60), "max_duration_reached", True),)
    assert [p.left_at for p in decision.closed] == [after(60)]


def test_settled_session_has_nothing_left_to_settle() -> None:
    over = clock.settle(running(60), now=after(61)).session
    assert clock.settle(over, now=after(9999)) == clock.Decision(over)


def test_overtaken_thresholds_are_announced_as_one_warning() -> None:
    assert warnings_at(running(3600), 3570) == [60]


def test_nobody_is_warned_at_the_start_of_a_short_call() -> None:
    session = running(200)
    assert warnings_at(session, 0) == []
    assert clock.next_alarm_at(session) == after(140)


def test_shortening_past_a_threshold_warns() -> None:
    assert warnings_at(extended(running(3600), -3000, at=400), 400) == [300]


def test_extension_does_not_repeat_a_threshold_that_stays_passed() -> None:
    session = clock.settle(running(3600), now=after(3550)).session
    session = extended(session, 100, at=3550)
    assert session.warned_seconds == 300
    assert clock.next_alarm_at(session) == after(3640)


def test_passed_threshold_is_the_smallest_that_the_time_left_has_reached() -> None:
    session = running(3600)
    assert clock.passed_threshold(session, now=after(3000)) is None
    assert clock.passed_threshold(session, now=after(3300)) == 300
    assert clock.passed_threshold(session, now=after(3599)) == 60


@pytest.mark.parametrize("seconds", [-3600, -4000, 86_400])
def test_extend_to_a_total_out_of_range_is_refused(seconds: int) -> None:
    with pytest.raises(LimitOutOfRange):
        extended(running(3600), seconds, at=1)


def test_extend_by_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        extended(running(3600), 0, at=1)


def test_extend_without_a_limit_is_refused() -> None:
    with pytest.raises(NoTimeLimit):
        extended(running(None), 60, at=1)


def test_setting_the_total_to_what_it_is_changes_nothing() -> None:
    session = running(3600)
    assert clock.set_limit(session, max_duration_seconds=3600, change_id="c", by=None, now=START) == (
        session,
        None,
    )


def test_lost_connection_that_comes_back_in_its_grace_stays_present() -> None:
    session = join(running(), "ben", connection="c1")
    lost = presence.lose(session, "c1", grace_seconds=10, now=after(100))
    back = presence.resume(lost, "c1", node_id="n")
    assert clock.settle(back, now=after(200)).events == ()


def test_lost_connection_counts_as_left_from_its_loss_when_the_grace_is_over() -> None:
    session = join(running(), "ben", connection="c1")
    lost = presence.lose(session, "c1", grace_seconds=10, now=after(100))
    again = presence.lose(lost, "c1", grace_seconds=10, now=after(105))
    assert clock.next_alarm_at(again) == after(110)
    (left,) = clock.settle(again, now=after(111)).events
    assert isinstance(left, Left)
    assert (left.participant.user_id, left.participant.left_at) == ("ben", after(100))


def test_empty_session_with_a_limit_goes_on_until_its_deadline() -> None:
    session = running(600)
    empty = presence.leave(session, session.participants, now=after(10)).session
    assert clock.settle(empty, now=after(599)).session.running


def test_limit_taken_from_an_empty_session_starts_its_empty_timeout() -> None:
    session = running(600)
    empty = presence.leave(session, session.participants, now=after(10)).session
    unlimited, _ = clock.set_limit(empty, max_duration_seconds=None, change_id="c", by=None, now=after(100))
    over = clock.settle(unlimited, now=after(500)).session
    assert (over.ended_at, over.ended_reason) == (after(130), "empty_timeout")


def test_last_pending_join_that_is_undone_voids_the_session() -> None:
    session = join(running(engine="livekit"), "ben", at=5)
    decision = clock.settle(session, now=after(100))
    assert decision.events == (Ended(after(35), "never_connected", False),)
    assert decision.session.void


def test_pending_join_that_is_undone_after_others_arrived_leaves_the_session_alone() -> None:
    session = running(engine="livekit")
    session, _ = presence.arrive(session, session.participants[0], now=after(1))
    session = join(session, "ben", at=5)
    decision = clock.settle(session, now=after(100))
    assert [p.user_id for p in decision.closed] == ["ben"]
    assert (decision.session.running, decision.events) == (True, ())


def test_record_counts_two_devices_of_one_user_once_and_nothing_after_the_end() -> None:
    session = running(100)
    first = session.participants[0]
    session = presence.accept(
        session,
        participant_id="p2",
        user_id="ann",
        role="user",
        device_id="tab",
        connection_id=None,
        now=after(10),
    ).session
    session = join(session, "ben", at=40)
    decision = clock.settle(session, now=after(500))
    record = make_record(decision.session, decision.closed, now=after(500))
    present = {attendance.user_id: attendance.present_seconds for attendance in record.attendance}
    assert first.joined_at == START
    assert present == {"ann": 100.0, "ben": 60.0}
    assert (record.wall_seconds, record.all_present_seconds) == (100.0, 60.0)

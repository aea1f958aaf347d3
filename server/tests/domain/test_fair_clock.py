"""The clock's policies, rule by rule (design section 6)."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.domain import clock, errors, reading, starting
from callclock_server.domain.events import Admitted

from .sitting import Sitting, after, started

ROLES = ("specialist", "patient")


def clock_of(sitting: Sitting, at: float) -> tuple[str, float, float]:
    """State, elapsed and paused seconds at a moment."""
    session, now = sitting.settle(at).session, after(at)
    return (
        reading.state_of(session),
        reading.elapsed(session, now=now).total_seconds(),
        reading.paused(session, now=now).total_seconds(),
    )


# -- start rules -------------------------------------------------------------------------------------------


def test_all_roles_starts_the_clock_with_the_last_of_them() -> None:
    sitting = Sitting(starts="all_roles", required_roles=ROLES)
    sitting.join("bill", "patient", at=0)
    assert (clock_of(sitting, 600)[0], sitting.ends_at) == ("waiting", None)
    assert starting.missing_roles(sitting.session) == ("specialist",)
    sitting.join("ann", at=600)
    assert (started(sitting.session), sitting.ends_at) == (600, 4200)
    assert sitting.rows() == [("start", 0), ("clock_start", 600)]


def test_role_that_left_before_the_other_came_does_not_start_the_clock() -> None:
    sitting = Sitting(starts="all_roles", required_roles=ROLES)
    sitting.join("bill", "patient", at=0)
    sitting.join("bill", "patient", at=1, device="laptop")
    sitting.leave("bill", at=10)
    sitting.join("ann", at=20)
    assert started(sitting.session) is None


def test_pending_join_does_not_start_the_clock_of_all_roles() -> None:
    sitting = Sitting(starts="all_roles", required_roles=("specialist",), engine="livekit")
    sitting.join("ann", at=0)
    assert started(sitting.session) is None


@pytest.mark.parametrize("looks_at", [900, 5000])
def test_scheduled_clock_starts_on_time_though_nobody_is_there(looks_at: float) -> None:
    sitting = Sitting(starts="scheduled", scheduled_at=900, at=900, by=None)
    sitting.settle(looks_at)
    assert (started(sitting.session), sitting.ends_at) == (900, 4500)


def test_early_arrival_burns_nothing_of_a_scheduled_clock() -> None:
    sitting = Sitting(starts="scheduled", scheduled_at=900)
    sitting.join("bill", "patient", at=0)
    sitting.join("ann", at=1200)
    assert (started(sitting.session), clock_of(sitting, 1200)[1]) == (900, 300)


def test_manual_clock_starts_by_hand_alone() -> None:
    sitting = Sitting(starts="manual")
    sitting.join("ann", at=0)
    sitting.join("bill", "patient", at=0)
    assert started(sitting.settle(50).session) is None
    sitting.start(at=60)
    assert (started(sitting.session), sitting.ends_at) == (60, 3660)
    with pytest.raises(errors.ClockAlreadyStarted):
        sitting.start(at=61)


def test_nobody_is_warned_at_the_start_of_a_short_clock() -> None:
    sitting = Sitting(starts="manual", total=200)
    sitting.join("ann", at=0)
    sitting.start(at=1000)
    assert sitting.settle(1100).warned() == []
    assert sitting.settle(1145).warned() == [60]


def test_clock_that_never_starts_ends_after_a_day() -> None:
    sitting = Sitting(starts="manual")
    sitting.join("ann", at=0)
    assert sitting.settle(90_000).ended == (86_400, "never_started")
    assert sitting.record(90_000).running_seconds == 0


def test_waiting_session_that_everybody_left_ends_after_the_empty_timeout() -> None:
    sitting = Sitting(starts="manual")
    sitting.join("ann", at=0)
    sitting.leave("ann", at=100)
    assert sitting.settle(500).ended == (130, "empty_timeout")


# -- backstage ---------------------------------------------------------------------------------------------


def test_person_without_the_right_waits_until_admitted() -> None:
    sitting = Sitting(backstage=True)
    sitting.join("ann", at=0, backstage=True)
    waiting = sitting.join("bill", "patient", at=10)
    assert (waiting.present, started(sitting.session)) == (False, None)
    sitting.admit("bill", at=100)
    assert started(sitting.session) == 100
    assert [type(event) for event in sitting.events].count(Admitted) == 1
    assert sitting.record(160).attendance[1].present_seconds == 60


def test_admitted_person_who_drops_out_comes_back_directly() -> None:
    sitting = Sitting(backstage=True)
    sitting.join("ann", at=0, backstage=True)
    sitting.join("bill", "patient", at=10)
    sitting.admit("bill", at=100)
    sitting.leave("bill", at=110)
    assert sitting.join("bill", "patient", at=120, device="laptop").present


def test_admitting_somebody_who_does_not_wait_is_refused() -> None:
    sitting = Sitting(backstage=True)
    sitting.join("ann", at=0, backstage=True)
    with pytest.raises(errors.NotWaiting):
        sitting.admit("ann", at=1)


def test_going_live_lets_everybody_in_and_starts_the_clock() -> None:
    sitting = Sitting(backstage=True)
    sitting.join("ann", at=0, backstage=True)
    sitting.join("bill", "patient", at=10)
    sitting.go_live(at=100)
    assert started(sitting.session) == 100
    assert all(p.present for p in sitting.session.participants)
    sitting.stop_live(at=200)
    assert not sitting.join("cleo", "patient", at=210).present
    assert clock_of(sitting, 300) == ("running", 200, 0)


def test_doors_open_ahead_of_the_start_and_that_time_does_not_count() -> None:
    sitting = Sitting(backstage=True, join_ahead_time_seconds=300, scheduled_at=900)
    assert not sitting.join("bill", "patient", at=0).present
    sitting.settle(600)
    assert sitting.session.participants[0].present
    assert sitting.join("ann", at=700).present
    assert started(sitting.settle(1000).session) == 900


def test_doors_that_open_by_hand_stay_closed_at_the_scheduled_start() -> None:
    sitting = Sitting(backstage=True, opens="manual", scheduled_at=900, starts="scheduled")
    sitting.join("bill", "patient", at=0)
    assert started(sitting.settle(2000).session) is None
    with pytest.raises(errors.CallNotLive):
        sitting.start(at=2000)


def test_admission_with_a_media_room_is_undone_when_nobody_arrives() -> None:
    sitting = Sitting(backstage=True, engine="livekit")
    sitting.join("ann", at=0, backstage=True)
    sitting.join("bill", "patient", at=10)
    sitting.admit("bill", at=20)
    sitting.settle(100)
    assert [p.user_id for p in sitting.stays] == ["ann", "bill"]


def test_person_whose_stream_is_gone_leaves_the_waiting_room() -> None:
    sitting = Sitting(backstage=True, engine="livekit")
    sitting.join("bill", "patient", at=10, connection="c1")
    sitting.lose("c1", at=20)
    assert sitting.settle(31).ended[1] == "never_connected"


# -- pauses ------------------------------------------------------------------------------------------------


def absent_specialist(**rules: Any) -> Sitting:
    sitting = Sitting(pause_when_absent=("specialist",), **rules)
    sitting.join("ann", at=0)
    sitting.join("bill", "patient", at=0)
    return sitting


def test_pause_counts_from_the_absence_and_ends_with_the_return() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=600)
    assert clock_of(sitting, 629) == ("running", 629, 0)
    assert clock_of(sitting, 700) == ("paused", 600, 100)
    sitting.join("ann", at=900)
    assert (sitting.ends_at, clock_of(sitting, 1000)) == (3900, ("running", 700, 300))
    assert sitting.rows() == [("start", 0), ("pause", 600), ("resume", 900)]


def test_absence_within_the_grace_changes_nothing() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=600)
    sitting.join("ann", at=629)
    assert (sitting.ends_at, sitting.rows()) == (3600, [("start", 0)])


def test_second_device_of_the_role_keeps_the_clock_running() -> None:
    sitting = absent_specialist()
    sitting.join("ann", at=10, device="laptop")
    sitting.session = sitting.session
    sitting.lose("nobody", at=20)
    sitting.take(
        clock.depart(sitting.session, sitting.session.participants[0], left_at=after(100), now=after(100))
    )
    assert clock_of(sitting, 1000) == ("running", 1000, 0)


def test_lost_connection_counts_as_absence_from_its_loss() -> None:
    sitting = Sitting(pause_when_absent=("specialist",))
    sitting.join("ann", at=0, connection="c1")
    sitting.join("bill", "patient", at=0)
    sitting.lose("c1", at=600)
    assert clock_of(sitting, 700) == ("paused", 600, 100)


def test_pauses_never_exceed_their_sum_and_the_clock_goes_on_alone() -> None:
    sitting = absent_specialist(max_pause_seconds=400)
    sitting.leave("ann", at=100)
    sitting.join("ann", at=400)
    sitting.leave("ann", at=1000)
    assert clock_of(sitting, 1099)[0] == "paused"
    assert clock_of(sitting, 1200) == ("running", 800, 400)
    assert sitting.settle(9000).ended == (4000, "max_duration_reached")
    assert sitting.rows("pause", "resume") == [
        ("pause", 100),
        ("resume", 400),
        ("pause", 1000),
        ("resume", 1100),
    ]


def test_pause_that_fits_into_its_own_grace_is_taken_whole() -> None:
    sitting = absent_specialist(max_pause_seconds=10)
    sitting.leave("ann", at=100)
    assert clock_of(sitting, 200) == ("running", 190, 10)
    assert sitting.ends_at == 3610


def test_wall_time_ends_a_session_that_stands_still() -> None:
    sitting = absent_specialist(max_pause_seconds=3600, max_wall_seconds=4000)
    sitting.leave("ann", at=100)
    assert sitting.settle(130).ends_at == 4000
    assert sitting.settle(9000).ended == (4000, "max_wall_reached")
    record = sitting.record(9000)
    assert (record.running_seconds, record.paused_seconds) == (400, 3600)


def test_pause_by_hand_and_resume_by_hand() -> None:
    sitting = Sitting()
    sitting.join("ann", at=0)
    sitting.pause(at=100, reason="fetch the papers")
    assert clock_of(sitting, 200) == ("paused", 100, 100)
    sitting.resume(at=250)
    assert (sitting.ends_at, clock_of(sitting, 300)) == (3750, ("running", 150, 150))
    with pytest.raises(errors.ClockNotPaused):
        sitting.resume(at=301)


def test_pause_for_absence_cannot_be_ended_by_hand() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=100)
    with pytest.raises(errors.PausedForAbsence) as refused:
        sitting.resume(at=200)
    assert refused.value.facts == {"roles": ["specialist"]}


def test_pause_by_hand_with_nothing_left_is_refused() -> None:
    sitting = Sitting(max_pause_seconds=60)
    sitting.join("ann", at=0)
    sitting.pause(at=100)
    assert clock_of(sitting, 200) == ("running", 140, 60)
    with pytest.raises(errors.PauseLimitReached):
        sitting.pause(at=200)


def test_clock_that_waits_cannot_be_paused() -> None:
    sitting = Sitting(starts="manual")
    sitting.join("ann", at=0)
    with pytest.raises(errors.ClockNotRunning):
        sitting.pause(at=1)


def test_resume_by_hand_while_a_role_is_away_becomes_a_pause_for_absence() -> None:
    sitting = absent_specialist()
    sitting.pause(at=100)
    sitting.leave("ann", at=110)
    sitting.resume(at=200)
    assert clock_of(sitting, 300) == ("paused", 100, 200)
    assert sitting.rows("pause", "resume") == [("pause", 100), ("resume", 200), ("pause", 200)]


def test_each_role_has_its_own_grace_and_overlapping_absences_count_once() -> None:
    sitting = Sitting(pause_when_absent=ROLES)
    sitting.join("ann", at=0)
    sitting.join("bill", "patient", at=0)
    sitting.leave("ann", at=100)
    sitting.leave("bill", at=120)
    sitting.join("ann", at=140)
    assert clock_of(sitting, 145) == ("running", 105, 40)
    sitting.join("bill", "patient", at=200)
    assert clock_of(sitting, 300) == ("running", 200, 100)


def test_warning_does_not_fire_while_the_clock_stands_still_nor_twice() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=3000)
    assert sitting.settle(3650).warned() == []
    sitting.join("ann", at=3660)
    assert sitting.settle(3990).warned() == [300]
    sitting.pause(at=3995)
    sitting.resume(at=4100)
    assert sitting.settle(4100).warned() == [300]


def test_pause_and_resume_do_not_depend_on_when_somebody_looks() -> None:
    def play(looks: list[float]) -> tuple[Any, ...]:
        sitting = absent_specialist(max_pause_seconds=200, overtime_seconds=100)
        sitting.leave("ann", at=3250)
        for at in looks:
            sitting.settle(at)
        record = sitting.record(9000)
        return sitting.rows(), sitting.ended, record.intervals

    assert play([9000]) == play([3281.5, 3400, 3450, 3500, 3799, 3800, 3850, 9000])

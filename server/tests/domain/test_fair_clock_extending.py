"""Overtime, extensions, consent, no-show, changes of policy and the record, rule by rule (section 6)."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.domain import errors, extending, reading
from callclock_server.domain.events import Answered, NoShow

from .sitting import Sitting, after
from .test_fair_clock import ROLES, absent_specialist, clock_of

# -- overtime ----------------------------------------------------------------------------------------------


def test_overtime_counts_up_and_ends_hard() -> None:
    sitting = Sitting(overtime_seconds=300)
    sitting.join("ann", at=0)
    assert clock_of(sitting, 3700)[0] == "overtime"
    assert reading.overtime(sitting.session, now=after(3700)).total_seconds() == 100
    assert sitting.settle(9000).ended == (3900, "overtime_used_up")
    assert sitting.record(9000).overtime_seconds == 300
    assert len(sitting.ends()) == 1


def test_extension_in_overtime_covers_what_has_run_over() -> None:
    sitting = Sitting(overtime_seconds=300)
    sitting.join("ann", at=0)
    sitting.extend(900, at=3700)
    assert (clock_of(sitting, 3800)[0], sitting.ends_at) == ("running", 4500)
    sitting.settle(9000)
    assert sitting.ended == (4800, "overtime_used_up")
    assert sitting.rows("overtime") == [("overtime", 3600), ("overtime", 4500)]
    assert sitting.record(9000).overtime_seconds == 300


def test_extension_shorter_than_the_overtime_moves_only_its_beginning() -> None:
    sitting = Sitting(overtime_seconds=300)
    sitting.join("ann", at=0)
    sitting.extend(60, at=3700)
    assert sitting.settle(9000).ended == (3960, "overtime_used_up")
    assert sitting.record(9000).running_seconds == 3660


def test_absence_in_overtime_pauses_nothing() -> None:
    sitting = absent_specialist(overtime_seconds=300)
    sitting.leave("ann", at=3650)
    assert clock_of(sitting, 3800)[0] == "overtime"


def test_overtime_is_cut_by_the_next_call_of_a_member() -> None:
    sitting = Sitting(overtime_seconds=300, back_to_back="refuse")
    sitting.join("ann", at=0)
    sitting.calendar(3700)
    assert sitting.settle(9000).ended == (3700, "overtime_used_up")


def test_overtime_without_any_room_is_none() -> None:
    sitting = Sitting(overtime_seconds=300, back_to_back="refuse")
    sitting.join("ann", at=0)
    sitting.calendar(3600)
    assert sitting.settle(9000).ended == (3600, "max_duration_reached")


def test_total_below_what_has_run_ends_at_once() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=1000)
    sitting.join("ann", at=1200)
    sitting.set_total(500, at=1500)
    assert sitting.ended == (1500, "max_duration_reached")
    record = sitting.record(2000)
    assert (record.running_seconds, record.paused_seconds) == (1300, 200)


def test_total_below_what_has_run_ends_a_paused_session_at_once() -> None:
    sitting = absent_specialist()
    sitting.leave("ann", at=1000)
    sitting.set_total(500, at=1500)
    assert sitting.ended == (1500, "max_duration_reached")
    assert sitting.record(2000).paused_seconds == 500


# -- extensions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extension", "seconds", "refusal"),
    [
        ({"steps_seconds": (300, 900)}, 600, errors.ExtensionStepNotAllowed),
        ({"max_count": 1}, 300, errors.ExtensionCountReached),
        ({"max_total_seconds": 500}, 300, errors.ExtensionTotalReached),
        ({"cooldown_seconds": 60}, 300, errors.ExtensionCoolingDown),
    ],
)
def test_extension_beyond_the_policy_is_refused(extension: Any, seconds: int, refusal: Any) -> None:
    sitting = Sitting(extension=extension)
    sitting.join("ann", at=0)
    sitting.extend(300, at=10)
    with pytest.raises(refusal):
        sitting.extend(seconds, at=69)
    sitting.extend(-100, at=70)
    assert sitting.ends_at == 3800


def test_extension_after_the_cooldown_is_accepted() -> None:
    sitting = Sitting(extension={"cooldown_seconds": 60})
    sitting.join("ann", at=0)
    sitting.extend(300, at=10)
    sitting.extend(300, at=70)
    assert sitting.ends_at == 4200


def test_extension_into_the_next_call_is_refused_with_what_is_free() -> None:
    sitting = Sitting(back_to_back="refuse")
    sitting.join("ann", at=0)
    sitting.calendar(4200)
    with pytest.raises(errors.RunsIntoNextCall) as refused:
        sitting.extend(900, at=10)
    assert refused.value.facts == {"free_seconds": 600, "free_until": after(4200)}
    sitting.extend(600, at=10)


def test_extension_into_the_next_call_is_allowed_with_a_warning() -> None:
    sitting = Sitting(back_to_back="warn")
    sitting.join("ann", at=0)
    sitting.calendar(4200)
    assert sitting.extend(900, at=10) == extending.Overrun(after(4200), 600)
    assert sitting.ends_at == 4500


def test_extension_beyond_the_wall_is_refused() -> None:
    sitting = Sitting(max_wall_seconds=4000)
    sitting.join("ann", at=0)
    with pytest.raises(errors.WallLimitReached) as refused:
        sitting.extend(900, at=10)
    assert refused.value.facts == {"allowed_seconds": 400}


def test_options_show_only_what_would_be_accepted() -> None:
    sitting = Sitting(back_to_back="refuse", extension={"steps_seconds": (300, 600, 900), "max_count": 2})
    sitting.join("ann", at=0)
    sitting.calendar(4300)
    options = extending.options(sitting.session, now=after(0))
    assert (options.steps_seconds, options.count_left, options.free_seconds) == ((300, 600), 2, 700)
    sitting.calendar(3600)
    assert extending.options(sitting.session, now=after(0)).refusal == "runs-into-next-call"


# -- offers and requests -----------------------------------------------------------------------------------


def test_only_somebody_else_with_a_consent_role_may_consent() -> None:
    sitting = Sitting(extension={"consent_roles": ("patient", "specialist")})
    sitting.join("ann", at=0)
    sitting.join("bill", "patient", at=0)
    offered = sitting.offer(900, at=10)
    may = {
        user: extending.may_consent(sitting.session, user_id=user, to=offered)
        for user in ("ann", "bill", "x")
    }
    assert may == {"ann": False, "bill": True, "x": False}
    with pytest.raises(errors.OfferPending):
        sitting.offer(900, at=11)


def test_offer_that_nobody_answers_expires_at_its_moment_and_moves_nothing() -> None:
    sitting = Sitting(extension={"consent_roles": ("patient",)})
    sitting.join("ann", at=0)
    offered = sitting.offer(900, at=10)
    sitting.settle(500)
    answers = [event for event in sitting.events if isinstance(event, Answered)]
    assert answers == [Answered(after(70), "expired", offer=offered)]
    assert sitting.ends_at == 3600


def test_end_closes_a_pending_offer() -> None:
    sitting = Sitting(extension={"consent_roles": ("patient",)})
    sitting.join("ann", at=0)
    sitting.offer(900, at=3590)
    sitting.settle(4000)
    kinds = [type(event).__name__ for event in sitting.events]
    assert kinds[-2:] == ["Answered", "Ended"]


# -- no-show -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "ended"), [("end", (600, "no_show")), ("tell", (None, None))])
def test_no_show_after_the_first_join(action: str, ended: Any) -> None:
    rules: dict[str, Any] = {"no_show_seconds": 600, "no_show_action": action}
    sitting = Sitting(starts="all_roles", required_roles=ROLES, **rules)
    sitting.join("bill", "patient", at=0)
    sitting.settle(700)
    assert [event for event in sitting.events if isinstance(event, NoShow)] == [
        NoShow(after(600), ("specialist",), action)
    ]
    assert sitting.ended == ended


def test_no_show_counts_from_the_scheduled_start_also_with_nobody_there() -> None:
    sitting = Sitting(
        starts="all_roles",
        required_roles=ROLES,
        no_show_seconds=600,
        no_show_action="end",
        scheduled_at=900,
        at=900,
        by=None,
    )
    assert sitting.settle(5000).ended == (1500, "no_show")


def test_role_that_was_there_once_is_no_no_show() -> None:
    sitting = Sitting(starts="manual", required_roles=("specialist",), no_show_seconds=600)
    sitting.join("bill", "patient", at=0)
    sitting.join("ann", at=10)
    sitting.leave("ann", at=20)
    sitting.settle(700)
    assert not [event for event in sitting.events if isinstance(event, NoShow)]


# -- changes of policy -------------------------------------------------------------------------------------


def test_changed_policy_holds_from_then_on_and_is_in_the_ledger() -> None:
    sitting = Sitting()
    sitting.join("ann", at=0)
    sitting.join("bill", "patient", at=0)
    sitting.leave("ann", at=100)
    sitting.set_rules(at=500, pause_when_absent=("specialist",))
    assert clock_of(sitting, 530) == ("paused", 500, 30)
    (row,) = [row for row in sitting.ledger if row.how == "policy"]
    assert row.details == {"changed": {"pause_when_absent": [[], ["specialist"]]}}
    sitting.set_rules(at=600, pause_when_absent=())
    assert clock_of(sitting, 700) == ("running", 600, 100)


def test_pauses_made_longer_during_a_pause_let_it_go_on() -> None:
    sitting = absent_specialist(max_pause_seconds=100)
    sitting.leave("ann", at=100)
    sitting.set_rules(at=150, max_pause_seconds=500)
    assert clock_of(sitting, 550) == ("paused", 100, 450)


# -- the record --------------------------------------------------------------------------------------------


def test_record_says_where_every_second_went() -> None:
    sitting = Sitting(
        starts="all_roles", required_roles=ROLES, pause_when_absent=("specialist",), overtime_seconds=120
    )
    sitting.join("bill", "patient", at=0)
    sitting.join("ann", at=300)
    sitting.leave("ann", at=1000)
    sitting.join("ann", at=1200)
    sitting.leave("bill", at=2000)
    record = sitting.record(9000)
    parts = [(part.state, part.seconds) for part in record.intervals]
    assert parts == [
        ("waiting", 300),
        ("running", 700),
        ("paused", 200),
        ("running", 2900),
        ("overtime", 120),
    ]
    assert record.wall_seconds == sum(seconds for _, seconds in parts) == 4220
    assert (record.running_seconds, record.required_present_seconds) == (3600, 700 + 800)

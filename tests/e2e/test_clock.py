"""One deadline for everybody, whatever the browser's date, the network or the reader does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from appointments import PATIENT, SPECIALIST, Appointment, Clinic
from playwright.sync_api import expect
from visitors import Visitor

OpenVisitor = Callable[..., Visitor]

QUARTER_HOUR_MS = 15 * 60 * 1000
# The countdown changes on whole seconds of the time left, so each change tells what the SDK takes that time
# to be. A busy machine can only make a change late: the punctual ones tell what the SDK believes.
SDK_WITHIN_SECONDS = 0.1
SHOWN_WITHIN_SECONDS = 1.0


def errors(someone: Visitor, appointment: Appointment, *, ticks: int) -> list[float]:
    """How late (negative: early) each of the next changes of the countdown was, in seconds."""
    noted = len(someone.ticks())
    someone.page.wait_for_function("noted => window.ticks.length >= noted", arg=noted + ticks)
    ends_at = appointment.ends_at().timestamp()
    fresh = itertools.islice(someone.ticks(), noted, None)
    return [at / 1000 - (ends_at - seconds) for seconds, at in fresh]


def assert_right(late: list[float]) -> None:
    assert all(abs(each) <= SHOWN_WITHIN_SECONDS for each in late), late
    assert abs(min(late)) <= SDK_WITHIN_SECONDS, late


@pytest.mark.parametrize("date_error_ms", [QUARTER_HOUR_MS, -QUARTER_HOUR_MS], ids=["fast", "slow"])
def test_countdown_is_right_in_a_browser_with_a_wrong_date(
    clinic: Clinic, visitor: OpenVisitor, date_error_ms: int
) -> None:
    appointment = clinic.appointment(seconds=600)
    someone = visitor(date_error_ms=date_error_ms).open(appointment, PATIENT).join()
    true, shown = someone.page.evaluate("[window.trueNow(), Date.now()]")
    assert shown - true == pytest.approx(date_error_ms, abs=50)
    assert_right(errors(someone, appointment, ticks=3))


def test_countdown_is_right_when_the_date_jumps_in_the_middle(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600)
    someone = visitor().open(appointment, PATIENT).join()
    assert_right(errors(someone, appointment, ticks=2))
    for jump in (QUARTER_HOUR_MS, -QUARTER_HOUR_MS):
        someone.page.evaluate("ms => { window.dateErrorMs = ms; }", jump)
        assert_right(errors(someone, appointment, ticks=3))


def test_another_device_of_the_patient_does_not_move_the_deadline(
    clinic: Clinic, visitor: OpenVisitor
) -> None:
    appointment = clinic.appointment(seconds=600)
    visitor().open(appointment, SPECIALIST).join()
    telephone = visitor().open(appointment, PATIENT).join()
    before = appointment.session()
    tablet = visitor().open(appointment, PATIENT).join()
    after = appointment.session()
    assert (after.id, after.timer_ends_at) == (before.id, before.timer_ends_at)
    tablet.wait_until_present(appointment, SPECIALIST, PATIENT, PATIENT)
    for device in (telephone, tablet):
        assert_right(errors(device, appointment, ticks=2))


def test_reload_returns_to_the_same_place_and_deadline(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600)
    patient = visitor().open(appointment, PATIENT).join()
    for device in ("Mute", "Stop video"):
        expect(patient.page.get_by_role("button", name=re.compile(f"^{device}"))).to_be_visible()
    patient.page.keyboard.press("m")
    expect(patient.page.get_by_role("button", name="Unmute")).to_be_visible()
    before = appointment.session()
    patient.page.reload()
    expect(patient.call).to_be_visible()
    after = appointment.session()
    assert (after.id, after.timer_ends_at) == (before.id, before.timer_ends_at)
    patient.wait_until_present(appointment, PATIENT)
    expect(patient.page.get_by_role("button", name="Unmute")).to_be_visible()
    expect(patient.page.get_by_role("button", name="Stop video")).to_be_visible()
    assert_right(errors(patient, appointment, ticks=2))


def test_page_leaves_at_the_deadline_with_a_dead_event_stream(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=9)
    patient = visitor().open(appointment, PATIENT).join()
    ends_at = appointment.ends_at().timestamp()
    patient.page.evaluate("window.cutEvents()")
    patient.page.route("**/v1/**", lambda route: route.abort())
    expect(patient.page.get_by_text("Your call and the countdown go on.")).to_be_visible()
    expect(patient.headline).to_have_text("The time has run out", timeout=15_000)
    assert abs(patient.left_call_at() - ends_at) <= 1.0
    patient.page.wait_for_function("() => window.openedTracks.every(track => track.readyState === 'ended')")

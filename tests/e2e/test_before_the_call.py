"""The page before the call: devices that work and that do not, links that are good and that are not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from appointments import NAMES, PATIENT, SPECIALIST, Clinic
from callclock_server.testing import user_token
from playwright.sync_api import expect
from visitors import Visitor

OpenVisitor = Callable[..., Visitor]


def test_page_says_whom_one_meets_and_for_how_long(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor().open(clinic.appointment(seconds=3600), PATIENT)
    expect(patient.headline).to_have_text(f"60 minutes with {NAMES[SPECIALIST]}")
    preview = patient.page.get_by_label("Your camera")
    expect(preview).to_be_visible()
    patient.page.wait_for_function("() => document.querySelector('.tm-preview video').videoWidth > 0")
    expect(patient.page.get_by_text("We can hear you")).to_be_visible()
    expect(patient.page.get_by_role("combobox", name="Microphone")).to_be_visible()


def test_link_is_taken_out_of_the_address_bar(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor().open(clinic.appointment(seconds=600), PATIENT)
    expect(patient.join_button).to_be_visible()
    assert patient.page.url == f"{clinic.url}/join"
    patient.page.reload()
    expect(patient.join_button).to_be_visible()


def test_devices_switched_off_before_the_call_are_off_in_it(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor().open(clinic.appointment(seconds=600), PATIENT)
    for device in ("Camera", "Microphone"):
        patient.page.get_by_role("switch", name=device).click()
    expect(patient.page.get_by_text("Your camera is off")).to_be_visible()
    expect(patient.page.get_by_role("button", name="Join without camera")).to_be_visible()
    patient.join()
    expect(patient.page.get_by_role("button", name="Start video")).to_be_visible()
    expect(patient.page.get_by_role("button", name="Unmute")).to_be_visible()
    assert patient.page.evaluate("window.openedTracks.every(track => track.readyState === 'ended')")


def test_refused_camera_is_explained_and_one_can_join_without_it(
    clinic: Clinic, visitor: OpenVisitor
) -> None:
    patient = visitor()
    patient.refuse_camera()
    patient.open(clinic.appointment(seconds=600), PATIENT)
    explanation = patient.page.get_by_role("alert").filter(has_text="may not use your camera")
    expect(explanation).to_contain_text("Allow it in the address bar, then try again.")
    expect(explanation).to_contain_text("You can also join without it.")
    expect(patient.page.get_by_role("switch", name="Microphone")).to_be_checked()
    patient.join()
    expect(patient.page.get_by_role("button", name=re.compile("^Mute"))).to_be_visible()
    expect(patient.page.get_by_role("button", name="Start video")).to_be_visible()


def test_missing_camera_is_explained(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor()
    patient.break_camera("NotFoundError")
    patient.open(clinic.appointment(seconds=600), PATIENT)
    expect(patient.page.get_by_text("No camera was found. Connect one, then try again.")).to_be_visible()


def test_camera_in_use_is_explained_and_can_be_tried_again(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor()
    patient.break_camera("NotReadableError")
    patient.open(clinic.appointment(seconds=600), PATIENT)
    expect(patient.page.get_by_text("Another program is using your camera.")).to_be_visible()
    patient.page.evaluate("window.mendCamera()")
    patient.page.get_by_role("button", name="Try again").click()
    expect(patient.page.get_by_label("Your camera")).to_be_visible()


@pytest.mark.parametrize(
    ("change", "heading"),
    [
        (("token", "not-a-token"), "This link is not valid"),
        (("call", "appointment:no-such-visit"), "We cannot find this appointment"),
        (("token", ""), "This link is not complete"),
    ],
    ids=["bad-token", "unknown-call", "incomplete"],
)
def test_link_that_cannot_work_says_so(
    clinic: Clinic, visitor: OpenVisitor, change: tuple[str, str], heading: str
) -> None:
    patient = visitor()
    patient.page.goto(clinic.appointment(seconds=600).link(PATIENT, **{change[0]: change[1]}))
    expect(patient.headline).to_have_text(heading)
    expect(patient.page.get_by_text("the clinic")).to_be_visible()


def test_expired_link_says_so(clinic: Clinic, visitor: OpenVisitor) -> None:
    patient = visitor()
    patient.page.goto(
        clinic.appointment(seconds=600).link(PATIENT, token=user_token(PATIENT, ttl_seconds=-60))
    )
    expect(patient.headline).to_have_text("This link has expired")


def test_full_call_says_so_and_lets_one_try_again(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600, max_participants=1)
    doctor = visitor().open(appointment, SPECIALIST).join()
    patient = visitor().open(appointment, PATIENT)
    patient.join_button.click()
    expect(patient.page.get_by_role("alert").filter(has_text="The call is full.")).to_be_visible()
    doctor.page.get_by_role("button", name="Leave").click()
    expect(doctor.headline).to_be_visible()
    patient.join()

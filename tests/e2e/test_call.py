"""The tutorial's story in two browsers: they see and hear each other, the clock runs for both, it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from appointments import NAMES, PATIENT, SPECIALIST, Appointment, Clinic
from callclock import VideoOwnCapability
from playwright.sync_api import expect
from visitors import Visitor

Couple = Callable[[Appointment], tuple[Visitor, Visitor]]

MEDIA_IS_MOVING = """async before => {
    const now = await window.receivedMedia();
    return now.frames > before.frames + 10 && now.audioPackets > before.audioPackets + 20;
}"""


def test_pictures_and_sound_arrive_in_both_browsers(clinic: Clinic, couple: Couple) -> None:
    doctor, patient = couple(clinic.appointment(seconds=600))
    for someone, other in ((doctor, PATIENT), (patient, SPECIALIST)):
        someone.page.wait_for_function(MEDIA_IS_MOVING, arg={"frames": 0, "audioPackets": 0})
        # And it goes on: what has arrived is counted again from here.
        someone.page.wait_for_function(MEDIA_IS_MOVING, arg=someone.received_media())
        main = someone.page.locator('.cc-tile[data-main="true"]')
        expect(main).to_contain_text(NAMES[other])
        expect(main.locator("video")).to_have_js_property("paused", False)


def test_muting_is_seen_by_the_other_and_by_keyboard_alone(clinic: Clinic, couple: Couple) -> None:
    doctor, patient = couple(clinic.appointment(seconds=600))
    expect(doctor.page.get_by_role("button", name=re.compile("^Mute"))).to_be_visible()
    doctor.page.keyboard.press("m")
    expect(doctor.page.get_by_role("button", name="Unmute")).to_be_visible()
    expect(patient.page.locator('.cc-tile[data-main="true"] .cc-tile-muted')).to_be_visible()
    doctor.page.keyboard.press("v")
    expect(doctor.page.get_by_role("button", name="Start video")).to_be_visible()
    expect(patient.page.locator('.cc-tile[data-main="true"] video')).to_have_count(0)


def test_both_see_the_same_countdown(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    remaining = appointment.ends_at().timestamp() - time.time()
    assert abs(doctor.shown_seconds() - remaining) <= 1.5
    assert abs(patient.shown_seconds() - doctor.shown_seconds()) <= 1


def test_whoever_comes_first_is_told_for_whom_they_wait(
    clinic: Clinic, visitor: Callable[..., Visitor]
) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor = visitor().open(appointment, SPECIALIST).join()
    waiting = doctor.page.get_by_text(f"Waiting for {NAMES[PATIENT]}")
    expect(waiting).to_be_visible()
    patient = visitor().open(appointment, PATIENT)
    expect(patient.page.get_by_text(f"{NAMES[SPECIALIST]} is in the call")).to_be_visible()
    patient.join()
    expect(waiting).to_be_hidden()


def test_alert_stays_dismissed_and_comes_back_after_an_extension(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=17, warnings=[12])
    doctor, patient = couple(appointment)
    for someone in (doctor, patient):
        expect(someone.alert).to_have_text("Less than 12 seconds left", timeout=10_000)
        someone.page.get_by_role("button", name="Dismiss").click()
        expect(someone.alert).to_be_empty()
    shown = doctor.shown_seconds()
    doctor.wait_until_shown(shown - 2)
    expect(doctor.alert).to_be_empty()
    assert (
        doctor.fetch("POST", f"/v1/calls/appointment/{appointment.call_id}/extend", {"seconds": 8})[0] == 200
    )
    for someone in (doctor, patient):
        expect(someone.page.get_by_role("status").get_by_text("added 8 seconds")).to_be_visible()
        expect(someone.alert).to_be_empty()
    for someone in (doctor, patient):
        expect(someone.alert).to_have_text("Less than 12 seconds left", timeout=10_000)


def test_extension_is_announced_to_both_and_moves_both_clocks(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    before = appointment.ends_at()
    doctor.page.get_by_role("button", name="Add time").click()
    doctor.page.get_by_role("button", name="+ 15 min").click()
    expect(doctor.page.get_by_text(re.compile("You added 15 minutes · now ends"))).to_be_visible()
    expect(patient.page.get_by_text(f"{NAMES[SPECIALIST]} added 15 minutes · now ends")).to_be_visible()
    assert (appointment.ends_at() - before).total_seconds() == 900
    for someone in (doctor, patient):
        assert someone.shown_seconds() > 900
        expect(someone.page.locator(".cc-timeline-added")).to_have_count(1)
        expect(someone.page.locator(".tm-timeline-added")).to_have_text("+ 15 minutes")


def test_refused_extension_says_why_and_adds_nothing(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, _patient = couple(appointment)
    before = appointment.ends_at()
    problem = {"title": "x", "status": 422, "code": "limit-out-of-range", "detail": "That is too long."}
    doctor.page.route("**/extend", lambda route: route.fulfill(status=422, json=problem))
    doctor.page.get_by_role("button", name="Add time").click()
    doctor.page.get_by_label("Minutes").fill("200")
    doctor.page.get_by_role("button", name="Add", exact=True).click()
    expect(doctor.page.get_by_text("No time was added. That is too long.")).to_be_visible()
    assert appointment.ends_at() == before


def test_patient_has_no_way_to_extend(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600, warnings=[590])
    doctor, patient = couple(appointment)
    expect(doctor.page.get_by_role("button", name="Add time")).to_be_visible()
    expect(patient.page.get_by_role("button", name="Leave")).to_be_visible()
    expect(patient.page.get_by_role("button", name=re.compile("Add time|minutes"))).to_have_count(0)
    before = appointment.ends_at()
    path = f"/v1/calls/appointment/{appointment.call_id}"
    limits = {"settings_override": {"limits": {"max_duration_seconds": 7200}}}
    for method, address, body in (("POST", f"{path}/extend", {"seconds": 900}), ("PATCH", path, limits)):
        status, problem = patient.fetch(method, address, body)
        assert (status, problem["code"]) == (403, "missing-capability")
    assert appointment.ends_at() == before


def test_call_ends_at_zero_in_both_pages_and_stays_over(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=12, warnings=[5])
    doctor, patient = couple(appointment)
    ends_at = appointment.ends_at().timestamp()
    for someone in (doctor, patient):
        expect(someone.headline).to_have_text("The time has run out", timeout=20_000)
        assert -0.1 <= someone.left_call_at() - ends_at <= 1.0
        expect(someone.page.get_by_text("12 seconds")).to_be_visible()
        someone.page.wait_for_function(
            "() => window.openedTracks.every(track => track.readyState === 'ended')"
        )
        assert someone.page.evaluate("window.openedTracks.length") >= 4
        expect(someone.page.get_by_role("button", name="Rejoin")).to_have_count(0)
    status, problem = patient.fetch("POST", f"/v1/calls/appointment/{appointment.call_id}/join", {})
    assert (status, problem["code"]) == (403, "call-ended")
    patient.page.reload()
    expect(patient.headline).to_have_text("This appointment is over")


def test_leaving_is_one_press_and_the_way_back_is_offered(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    before = appointment.ends_at()
    patient.page.get_by_role("button", name="Leave").click()
    expect(patient.headline).to_have_text("You left the call")
    expect(doctor.page.get_by_text(f"Waiting for {NAMES[PATIENT]}")).to_be_visible()
    patient.page.get_by_role("button", name="Rejoin the call").click()
    expect(patient.call).to_be_visible()
    expect(doctor.page.get_by_text(f"Waiting for {NAMES[PATIENT]}")).to_be_hidden()
    assert appointment.ends_at() == before


def test_end_by_the_clinic_is_told_as_such(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    clinic.client.video.call("appointment", appointment.call_id).end()
    for someone in (doctor, patient):
        expect(someone.headline).to_have_text("The call was ended")


def test_whoever_may_end_the_call_is_asked_first_and_named_afterwards(clinic: Clinic, couple: Couple) -> None:
    clinic.client.video.update_call_type("appointment", grants={"host": [VideoOwnCapability.END_CALL]})
    doctor, patient = couple(clinic.appointment(seconds=600, chair="host"))
    expect(patient.page.get_by_role("button", name="End for all")).to_have_count(0)
    doctor.page.get_by_role("button", name="End for all").click()
    doctor.page.keyboard.press("Escape")
    expect(doctor.page.get_by_text("End the call for everybody?")).to_be_hidden()
    expect(doctor.page.get_by_role("button", name="End for all")).to_be_focused()
    doctor.page.keyboard.press("Enter")
    doctor.page.get_by_role("button", name="End the call").click()
    expect(doctor.headline).to_have_text("You ended the call")
    expect(patient.headline).to_have_text(f"{NAMES[SPECIALIST]} ended the call")

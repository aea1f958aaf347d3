"""For everybody: with a keyboard, with a screen reader, on a telephone, in the dark."""

from __future__ import annotations

from collections.abc import Callable

from appointments import PATIENT, SPECIALIST, Clinic
from inspection import TELEPHONE, covered_pictures, overflow, serious_findings
from playwright.sync_api import expect
from visitors import Visitor

OpenVisitor = Callable[..., Visitor]


def test_axe_finds_nothing_serious_on_any_page(clinic: Clinic, visitor: OpenVisitor) -> None:
    for scheme in ("light", "dark"):
        appointment = clinic.appointment(seconds=600, warnings=[599])
        doctor = visitor(color_scheme=scheme).open(appointment, SPECIALIST)
        expect(doctor.page.get_by_role("combobox", name="Camera")).to_be_visible()
        assert serious_findings(doctor.page) == [], f"before the call, {scheme}"
        doctor.join()
        expect(doctor.alert).to_contain_text("Less than")
        assert serious_findings(doctor.page) == [], f"alert, {scheme}"
        doctor.page.get_by_role("button", name="Dismiss").click()
        doctor.page.get_by_role("button", name="Add time").click()
        expect(doctor.page.get_by_role("group", name="Add time")).to_be_visible()
        assert serious_findings(doctor.page) == [], f"call, {scheme}"
        clinic.client.video.call("appointment", appointment.call_id).end()
        expect(doctor.headline).to_be_visible()
        assert serious_findings(doctor.page) == [], f"end page, {scheme}"


def test_no_page_scrolls_sideways_on_a_telephone(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600, warnings=[599])
    doctor = visitor(viewport=TELEPHONE).open(appointment, SPECIALIST)
    expect(doctor.page.get_by_role("combobox", name="Camera")).to_be_visible()
    assert overflow(doctor.page) <= 0
    doctor.join()
    expect(doctor.alert).to_contain_text("Less than")
    doctor.page.get_by_role("button", name="Add time").click()
    expect(doctor.page.get_by_role("group", name="Add time")).to_be_visible()
    assert overflow(doctor.page) <= 0
    for control in doctor.page.get_by_role("group", name="Call controls").get_by_role("button").all():
        expect(control).to_be_in_viewport(ratio=1)
    clinic.client.video.call("appointment", appointment.call_id).end()
    expect(doctor.headline).to_be_visible()
    assert overflow(doctor.page) <= 0


def test_session_is_extended_with_the_keyboard_alone(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor = visitor().open(appointment, SPECIALIST)
    expect(doctor.join_button).to_be_enabled()
    doctor.join_button.focus()
    doctor.page.keyboard.press("Enter")
    expect(doctor.call).to_be_visible()
    before = appointment.ends_at()
    opener = doctor.page.get_by_role("button", name="Add time")
    tab_to(doctor, "Add time")
    doctor.page.keyboard.press("Enter")
    panel = doctor.page.get_by_role("group", name="Add time")
    expect(doctor.page.get_by_role("button", name="+ 5 min")).to_be_focused()
    doctor.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
    doctor.page.keyboard.press("Enter")
    expect(doctor.page.get_by_role("button", name="+ 5 min")).to_be_focused()
    for _ in range(3):
        doctor.page.keyboard.press("Tab")
    doctor.page.keyboard.type("7")
    doctor.page.keyboard.press("Enter")
    expect(doctor.page.get_by_role("status").get_by_text("You added 7 minutes")).to_be_visible()
    expect(opener).to_be_focused()
    assert (appointment.ends_at() - before).total_seconds() == 420


def tab_to(someone: Visitor, name: str) -> None:
    """Go on with the Tab key to the button of this name."""
    for _ in range(20):
        someone.page.keyboard.press("Tab")
        if someone.page.evaluate("document.activeElement.textContent").startswith(name):
            return
    raise AssertionError(f"twenty presses of Tab did not reach {name}")


def test_nothing_lies_over_a_picture(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600, warnings=[599])
    for viewport in (TELEPHONE, {"width": 1280, "height": 800}):
        doctor = visitor(viewport=viewport).open(appointment, SPECIALIST).join()
        patient = visitor(viewport=viewport).open(appointment, PATIENT).join()
        expect(doctor.alert).to_contain_text("Less than")
        doctor.page.get_by_role("button", name="Add time").click()
        expect(doctor.page.locator(".cc-tile-picture video")).to_have_count(2)
        assert covered_pictures(doctor.page) == []
        for someone in (doctor, patient):
            someone.page.get_by_role("button", name="Leave").click()
            expect(someone.headline).to_be_visible()


def test_clock_and_news_are_told_to_screen_readers(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600)
    patient = visitor().open(appointment, PATIENT).join()
    expect(patient.timer).to_have_accessible_name("Time left in this session")
    expect(patient.page.locator(".tm-call-head h1")).to_be_focused()
    clinic.client.video.call("appointment", appointment.call_id).extend(300)
    expect(patient.page.get_by_role("status").get_by_text("The clinic added 5 minutes")).to_be_visible()
    clinic.client.video.call("appointment", appointment.call_id).end()
    expect(patient.headline).to_be_focused()

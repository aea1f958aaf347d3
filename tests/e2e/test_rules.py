"""The rules of paid time in two browsers: waiting, pause, overtime, consent, requests, no-show."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from appointments import NAMES, PATIENT, SPECIALIST, Appointment, Clinic
from inspection import TELEPHONE, covered_pictures, overflow, serious_findings
from playwright.sync_api import expect
from visitors import Visitor

Couple = Callable[[Appointment], tuple[Visitor, Visitor]]
OpenVisitor = Callable[..., Visitor]

DOCTOR = NAMES[SPECIALIST]
PRICE = {"price_per_minute": {"amount": 2, "currency": "EUR"}}
CONSENT = {"extension": {"consent_roles": ["patient"], "steps_seconds": [300, 900]}}
BOTH = {"starts": "all_roles", "required_roles": ["specialist", "patient"]}


def test_clock_waits_for_the_specialist_stands_still_without_her_and_the_record_says_so(
    clinic: Clinic, visitor: OpenVisitor
) -> None:
    rules = {**BOTH, "pause_when_absent": ["specialist"], "absence_grace_seconds": 0}
    appointment = clinic.appointment(seconds=600, rules=rules)
    patient = visitor().open(appointment, PATIENT)
    expect(patient.page.get_by_text(f"The clock starts when you and {DOCTOR} are there")).to_be_visible()
    patient.join()
    expect(patient.notice("waiting")).to_contain_text(f"The clock starts when {DOCTOR} joins.")
    expect(patient.timer).to_have_text("10:00not started")

    doctor = visitor().open(appointment, SPECIALIST).join()
    expect(patient.page.get_by_text("The clock has started")).to_be_visible()
    for someone in (doctor, patient):
        expect(someone.notice("waiting")).to_have_count(0)
        someone.wait_until_shown(599)
    assert appointment.session().clock.elapsed_seconds < 15

    doctor.button("Leave").click()
    expect(patient.notice("paused")).to_contain_text(f"Paused: {DOCTOR} is away.")
    expect(patient.notice("paused")).to_contain_text("at the latest")
    expect(patient.timer).to_contain_text("left, paused")
    stands_at = patient.shown_seconds()
    patient.page.wait_for_function("() => document.title.startsWith('Paused')")

    doctor.button("Rejoin the call").click()
    expect(doctor.call).to_be_visible()
    expect(patient.page.get_by_text("The clock goes on")).to_be_visible()
    expect(patient.notice("paused")).to_have_count(0)
    assert stands_at - patient.shown_seconds() <= 3
    for someone in (doctor, patient):
        expect(someone.page.locator(".cc-timeline-paused")).to_have_count(1)

    clinic.client.video.call("appointment", appointment.call_id).end()
    for someone in (doctor, patient):
        record = someone.page.get_by_role("region", name="Record of the session")
        expect(record).to_contain_text("Paused")
        expect(record.get_by_role("row").filter(has_text="The clock started")).to_be_visible()
        expect(record.get_by_role("row").filter(has_text="Went on after")).to_be_visible()


def test_overtime_counts_up_for_both_and_ends_hard(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=9, rules={"overtime_seconds": 6})
    doctor, patient = couple(appointment)
    for someone in (doctor, patient):
        expect(someone.notice("overtime")).to_contain_text(
            "The time is over: this is overtime.", timeout=15_000
        )
        expect(someone.timer).to_contain_text(re.compile(r"^\+0:0\dovertime"))
    assert serious_findings(doctor.page) == []
    for someone in (doctor, patient):
        expect(someone.headline).to_have_text("The overtime is used up", timeout=15_000)
        times = someone.page.locator(".cc-record-times")
        expect(times).to_contain_text("Running0:09")
        expect(times).to_contain_text("Overtime0:06")


def test_only_the_patients_consent_moves_the_end(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600, rules=CONSENT, custom=PRICE)
    doctor, patient = couple(appointment)
    before = appointment.ends_at()
    for answer, outcome in (("Decline", "declined 15 more minutes"), ("Accept", "added 15 minutes")):
        doctor.button("Offer time").click()
        doctor.button("+ 15 min").click()
        expect(doctor.notice("offer")).to_contain_text("You have offered 15 more minutes.")
        expect(patient.notice("offer")).to_contain_text(f"{DOCTOR} offers 15 more minutes.")
        expect(patient.notice("offer")).to_contain_text("€30.00")
        assert appointment.ends_at() == before
        patient.button(answer).click()
        for someone in (doctor, patient):
            expect(someone.page.get_by_role("status").get_by_text(outcome)).to_be_visible()
            expect(someone.notice("offer")).to_have_count(0)
    assert (appointment.ends_at() - before).total_seconds() == 900


def test_patient_asks_with_one_press_and_the_specialist_answers(clinic: Clinic, couple: Couple) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    before = appointment.ends_at()
    for answer, outcome in (
        ("Decline", f"{DOCTOR} declined"),
        ("Add the time", f"{DOCTOR} added 15 minutes"),
    ):
        patient.button("Ask for time").click()
        expect(patient.page.get_by_text("You asked for 15 more minutes.")).to_be_visible()
        expect(doctor.notice("request")).to_contain_text(f"{NAMES[PATIENT]} asks for 15 more minutes.")
        doctor.button(answer).click()
        expect(patient.page.get_by_role("status").get_by_text(outcome)).to_be_visible()
        expect(doctor.notice("request")).to_have_count(0)
    assert (appointment.ends_at() - before).total_seconds() == 900


def test_specialist_sees_who_waits_and_lets_them_in(clinic: Clinic, visitor: OpenVisitor) -> None:
    appointment = clinic.appointment(seconds=600, backstage=True)
    patient = visitor().open(appointment, PATIENT)
    patient.join_button.click()
    expect(patient.headline).to_have_text("You are in the waiting room")
    doctor = visitor().open(appointment, SPECIALIST).join()
    expect(doctor.page.get_by_text("1 person waits to be let in.")).to_be_visible()
    doctor.button(f"Let {NAMES[PATIENT]} in").click()
    expect(patient.call).to_be_visible()
    expect(doctor.page.locator('.cc-tile[data-main="true"]')).to_contain_text(NAMES[PATIENT])
    expect(doctor.page.get_by_role("region", name="Waiting room")).to_be_hidden()


@pytest.mark.parametrize("action", ["tell", "end"])
def test_whoever_waits_in_vain_is_told(clinic: Clinic, visitor: OpenVisitor, action: str) -> None:
    rules = {**BOTH, "no_show_seconds": 3, "no_show_action": action}
    appointment = clinic.appointment(seconds=600, rules=rules)
    patient = visitor().open(appointment, PATIENT).join()
    if action == "tell":
        expect(patient.notice("no-show")).to_contain_text(f"{DOCTOR} has not come.")
        expect(patient.timer).to_have_text("10:00not started")
    else:
        expect(patient.headline).to_have_text("The appointment did not take place")


def test_clock_is_paused_and_goes_on_by_hand(clinic: Clinic, couple: Couple) -> None:
    doctor, patient = couple(clinic.appointment(seconds=600))
    doctor.button("Add time").click()
    doctor.button("Pause the clock").click()
    expect(patient.notice("paused")).to_contain_text(f"{DOCTOR} paused the clock.")
    expect(doctor.notice("paused")).to_contain_text("You paused the clock.")
    doctor.notice("paused").get_by_role("button", name="Go on").click()
    for someone in (doctor, patient):
        expect(someone.page.get_by_text("The clock goes on")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_rules_is_for_everybody_and_fits_a_telephone(
    clinic: Clinic, visitor: OpenVisitor, scheme: str
) -> None:
    rules = {**BOTH, **CONSENT, "pause_when_absent": ["specialist"], "absence_grace_seconds": 0}
    appointment = clinic.appointment(seconds=600, rules=rules, custom=PRICE, backstage=True)
    patient = visitor(viewport=TELEPHONE, color_scheme=scheme).open(appointment, PATIENT)
    doctor = visitor(viewport=TELEPHONE, color_scheme=scheme).open(appointment, SPECIALIST)

    def inspect(someone: Visitor) -> None:
        assert serious_findings(someone.page) == []
        assert overflow(someone.page) <= 0
        assert covered_pictures(someone.page) == []

    patient.join_button.click()
    expect(patient.headline).to_be_focused()
    inspect(patient)
    doctor.join()
    expect(doctor.page.get_by_text("1 person waits")).to_be_visible()
    inspect(doctor)
    doctor.button(f"Let {NAMES[PATIENT]} in").click()
    expect(patient.call).to_be_visible()
    patient.button("Ask for time").click()
    expect(doctor.notice("request")).to_be_visible()
    doctor.button("Offer time").click()
    inspect(doctor)
    doctor.button("+ 15 min").click()
    expect(patient.notice("offer")).to_be_visible()
    inspect(patient)
    for control in patient.page.get_by_role("group", name="Call controls").get_by_role("button").all():
        expect(control).to_be_in_viewport(ratio=1)
    doctor.button("Leave").click()
    expect(patient.notice("paused")).to_be_visible()
    inspect(patient)
    clinic.client.video.call("appointment", appointment.call_id).end()
    expect(patient.page.get_by_role("region", name="Record of the session")).to_be_visible()
    inspect(patient)

"""The README's pictures: an hour with an extension, its last minutes and its end, in no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from appointments import PATIENT, SPECIALIST, Appointment, Clinic, load_tutorial_data
from callclock import StreamClient
from callclock_server.testing import running_server
from playwright.sync_api import expect
from visitors import Visitor

OpenVisitor = Callable[..., Visitor]
DRAWN_PERSON = Path(__file__).parent / "portrait.js"


class MovedClock:
    """The machine's clock, ahead by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def moved_clinic(clock: MovedClock) -> Iterator[Clinic]:
    """A clinic whose hours pass in no time."""
    app = Path(__file__).resolve().parents[2] / "web" / "apps" / "telemedicine" / "dist"
    with (
        running_server(web_dir=app, clock=clock) as server,
        StreamClient(server.api_key, server.secret, base_url=server.url) as client,
    ):
        load_tutorial_data(client)
        yield Clinic(client, server.url)


def enter(someone: Visitor, appointment: Appointment, user_id: str) -> Visitor:
    someone.page.add_init_script(f"window.portrait = '{user_id}';")
    someone.page.add_init_script(path=DRAWN_PERSON)
    someone.page.goto(appointment.link(user_id, expires_in_seconds=6 * 3600))
    return someone.join()


def test_an_hour_with_an_extension_looks_as_it_should(
    moved_clinic: Clinic, clock: MovedClock, visitor: OpenVisitor, pictures: Path, aside: Path
) -> None:
    appointment = moved_clinic.appointment(seconds=3600, warnings=[300, 60], sharp=True)
    doctor = enter(visitor(reduced_motion="reduce"), appointment, SPECIALIST)
    patient = enter(visitor(color_scheme="dark", reduced_motion="reduce"), appointment, PATIENT)
    expect(doctor.page.locator(".cc-tile-picture video")).to_have_count(2)
    expect(patient.page.locator(".cc-tile-picture video")).to_have_count(2)
    doctor.page.wait_for_function("() => window.receivedMedia().then(received => received.frames > 20)")
    clock.ahead = timedelta(minutes=50)
    doctor.page.get_by_role("button", name="Add time").click()
    doctor.page.get_by_role("button", name="+ 15 min").click()
    for someone in (doctor, patient):
        someone.page.get_by_role("button", name="Dismiss").click()
    clock.ahead = timedelta(minutes=70, seconds=2)
    for someone in (doctor, patient):
        expect(someone.alert).to_have_text("Less than 5 minutes left", timeout=15_000)
        someone.page.mouse.move(0, 0)
    doctor.page.screenshot(path=pictures / "call.png")
    patient.page.screenshot(path=aside / "call-dark.png")
    clock.ahead = timedelta(minutes=75)
    expect(doctor.headline).to_have_text("The time has run out", timeout=15_000)
    expect(doctor.page.get_by_text("1 hour 15 minutes")).to_be_visible()
    doctor.page.screenshot(path=pictures / "ended.png")


def test_paid_time_looks_as_it_should(
    moved_clinic: Clinic, clock: MovedClock, visitor: OpenVisitor, pictures: Path
) -> None:
    rules = {
        "starts": "all_roles",
        "required_roles": ["specialist", "patient"],
        "pause_when_absent": ["specialist"],
        "absence_grace_seconds": 0,
        "overtime_seconds": 300,
        "extension": {"consent_roles": ["patient"], "steps_seconds": [300, 900]},
    }
    price = {"price_per_minute": {"amount": 2, "currency": "EUR"}}
    appointment = moved_clinic.appointment(seconds=3600, sharp=True, rules=rules, custom=price)
    patient = enter(visitor(reduced_motion="reduce"), appointment, PATIENT)
    expect(patient.notice("waiting")).to_be_visible()
    expect(patient.page.locator(".cc-tile-picture video")).to_have_count(1)
    patient.page.screenshot(path=pictures / "waiting.png")
    doctor = enter(visitor(reduced_motion="reduce"), appointment, SPECIALIST)
    expect(patient.page.locator(".cc-tile-picture video")).to_have_count(2)
    patient.button("Dismiss").click()
    clock.ahead = timedelta(minutes=50)
    doctor.button("Offer time").click()
    doctor.button("+ 15 min").click()
    expect(patient.notice("offer")).to_be_visible()
    patient.page.wait_for_function("() => window.receivedMedia().then(received => received.frames > 20)")
    patient.page.screenshot(path=pictures / "offer.png")
    patient.button("Accept").click()
    doctor.button("Leave").click()
    expect(patient.notice("paused")).to_be_visible()
    clock.ahead = timedelta(minutes=53)
    doctor.button("Rejoin the call").click()
    expect(patient.notice("paused")).to_have_count(0)
    moved_clinic.client.video.call("appointment", appointment.call_id).end()
    expect(patient.page.get_by_role("region", name="Record of the session")).to_be_visible()
    patient.page.screenshot(path=pictures / "record.png", full_page=True)

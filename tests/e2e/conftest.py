"""Two real browsers in real calls: the built app, a real server, Debian's Chromium with fake devices."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from callclock import StreamClient
from callclock_server.testing import running_server
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from appointments import PATIENT, SPECIALIST, Appointment, Clinic, load_tutorial_data
from visitors import Visitor

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "web" / "apps" / "telemedicine" / "dist"
CHROMIUM_FLAGS = [
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenVisitor = Callable[..., Visitor]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each visitor has a context of its own."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("Chromium is missing. Install it with `make browser` (Debian's package `chromium`).")
    # Stopped before the next folder's tests: Playwright's loop would be in the way of asynchronous ones.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def clinic() -> Iterator[Clinic]:
    """A server with the tutorial's data and the built app."""
    if not (APP / "index.html").is_file():
        pytest.fail("The app is not built. Build it with `make web`.")
    with (
        running_server(web_dir=APP) as server,
        StreamClient(server.api_key, server.secret, base_url=server.url) as client,
    ):
        load_tutorial_data(client)
        yield Clinic(client, server.url)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[OpenVisitor]:
    """Opens visitors; afterwards no page of theirs may have complained of itself."""
    opened: list[Visitor] = []

    def open_visitor(*, date_error_ms: int = 0, **options: Any) -> Visitor:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        someone = Visitor(browser.new_context(**options), date_error_ms=date_error_ms)
        opened.append(someone)
        return someone

    yield open_visitor
    complaints = [complaint for someone in opened for complaint in someone.complaints]
    for someone in opened:
        someone.context.close()
    assert complaints == []


@pytest.fixture
def couple(visitor: OpenVisitor) -> Callable[[Appointment], tuple[Visitor, Visitor]]:
    """Brings the specialist and the patient into an appointment."""

    def bring(appointment: Appointment) -> tuple[Visitor, Visitor]:
        doctor = visitor().open(appointment, SPECIALIST)
        patient = visitor().open(appointment, PATIENT)
        return doctor.join(), patient.join()

    return bring


@pytest.fixture(scope="session")
def aside() -> Path:
    """Where screenshots for the eye go; no part of the repository."""
    folder = ROOT / "test-results"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def pictures(aside: Path) -> Path:
    """Where the documentation's pictures go when UPDATE_SCREENSHOTS=1; else aside."""
    if os.environ.get("UPDATE_SCREENSHOTS") != "1":
        return aside
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder

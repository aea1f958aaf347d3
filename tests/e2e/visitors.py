"""Somebody with a browser: what they see of the call, and what they do in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appointments import Appointment
from playwright.sync_api import BrowserContext, Locator, Page, expect

PAGE_SCRIPTS = Path(__file__).parent / "page_scripts"
IN_CALL_WITHIN_MS = 15_000
NETWORK_COMPLAINTS = (
    "Failed to load resource",
    "WebSocket connection to",
    "DataChannel error",
    "publisher data channel",
    # LiveKit's last word of somebody's former connection, after they have come back with a new one.
    "Tried to add a track for a participant, that's not present",
)
COUNTDOWN_AT_MOST = """seconds => {
    const [minutes, rest] = document.querySelector('.cc-timer-digits').textContent.split(':').slice(-2);
    return 60 * minutes + Number(rest) <= seconds;
}"""
FETCH = """async ([method, path, body]) => {
    const link = new URLSearchParams(sessionStorage.getItem('callclock.link'));
    const answer = await fetch(path, {
        method,
        headers: {
            'Authorization': `Bearer ${link.get('token')}`,
            'X-Api-Key': link.get('api_key'),
            'Content-Type': 'application/json',
        },
        body: body === null ? undefined : JSON.stringify(body),
    });
    return [answer.status, await answer.json()];
}"""
PRESENT = f"""async ([method, path, body, expected]) => {{
    const [, answer] = await ({FETCH})([method, path, body]);
    const present = answer.call.session.participants.map(participant => participant.user_id);
    return String(present.sort()) === String(expected);
}}"""


class Visitor:
    """One browser context with one page."""

    def __init__(self, context: BrowserContext, *, date_error_ms: int = 0) -> None:
        self.context = context
        context.add_init_script(f"window.dateErrorMs = {date_error_ms};")
        for script in sorted(PAGE_SCRIPTS.glob("*.js")):
            context.add_init_script(path=script)
        context.grant_permissions(["camera", "microphone"])
        context.set_default_timeout(IN_CALL_WITHIN_MS)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        # The browser tells of refused requests and cut sockets too; what matters is the page's own failing.
        if message.type == "error" and not message.text.startswith(NETWORK_COMPLAINTS):
            self.complaints.append(message.text)

    def open(self, appointment: Appointment, user_id: str) -> Visitor:
        """Follow the user's link to the page before the call."""
        self.page.goto(appointment.link(user_id))
        return self

    def join(self) -> Visitor:
        """Go in, and be in."""
        self.join_button.click()
        expect(self.call).to_be_visible(timeout=IN_CALL_WITHIN_MS)
        return self

    @property
    def call(self) -> Locator:
        return self.page.locator(".tm-call")

    @property
    def join_button(self) -> Locator:
        return self.page.get_by_role("button", name="Join")

    @property
    def timer(self) -> Locator:
        return self.page.get_by_role("timer")

    @property
    def alert(self) -> Locator:
        return self.page.locator(".cc-alert-text")

    @property
    def headline(self) -> Locator:
        return self.page.locator("h1.tm-headline")

    def button(self, name: str) -> Locator:
        """A button by its name, which need not be whole."""
        return self.page.get_by_role("button", name=name)

    def notice(self, kind: str) -> Locator:
        """What a row about the session's rules says: waiting, paused, overtime, offer, request, no-show."""
        return self.page.locator(f'.cc-notice[data-kind="{kind}"][data-shown="true"]')

    def shown_seconds(self) -> int:
        """The seconds that the countdown shows."""
        minutes, seconds = self.page.locator(".cc-timer-digits").inner_text().split(":")[-2:]
        return 60 * int(minutes) + int(seconds)

    def ticks(self) -> list[tuple[int, float]]:
        """Each change of the countdown: seconds shown, and when, in true milliseconds since 1970."""
        noted = self.page.evaluate("window.ticks")
        return [(_seconds(tick["digits"]), float(tick["at"])) for tick in noted]

    def wait_until_shown(self, seconds: int) -> None:
        """Wait until the countdown shows at most this many seconds."""
        self.page.wait_for_function(COUNTDOWN_AT_MOST, arg=seconds)

    def left_call_at(self) -> float:
        """When this page left the call, in true seconds since 1970."""
        expect(self.headline).to_be_visible()
        return float(self.page.evaluate("window.leftCallAt")) / 1000

    def fetch(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """What the server says to this user when the page itself asks; (status, body)."""
        status, answer = self.page.evaluate(FETCH, [method, path, body])
        return int(status), dict(answer)

    def wait_until_present(self, appointment: Appointment, *user_ids: str) -> None:
        """Wait until the server counts exactly these as present: it hears of them from the media room."""
        path = f"/v1/calls/appointment/{appointment.call_id}"
        self.page.wait_for_function(PRESENT, arg=["GET", path, None, sorted(user_ids)])

    def received_media(self) -> dict[str, int]:
        """What has arrived from the others: frames decoded and audio packets."""
        received: dict[str, int] = self.page.evaluate("window.receivedMedia()")
        return received

    def refuse_camera(self) -> None:
        """Answer the browser's question for the camera with no: whatever is not granted here is denied."""
        self.context.clear_permissions()
        self.context.grant_permissions(["microphone"])

    def break_camera(self, failure: str) -> None:
        """Make the camera fail with this DOMException, until the page calls `mendCamera()`."""
        self.page.add_init_script(f"window.cameraFailure = '{failure}';")


def _seconds(digits: str) -> int:
    minutes, seconds = digits.split(":")[-2:]
    return 60 * int(minutes) + int(seconds)

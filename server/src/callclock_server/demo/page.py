"""The demonstration's pages, made from `home.html`."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from callclock_server.demo.appointment import PEOPLE, Person

_FOLDER = Path(__file__).resolve().parent


def home_page(*, nonce: str, web_is_built: bool, fair: bool) -> str:
    """The page at `/`: two links, the clock, "start over", and the rules that hold or how to see them."""
    hint = "" if web_is_built else _hint()
    people = "".join(_card(person) for person in PEOPLE)
    rules = _RULES if fair else _HOW_TO_SEE_RULES
    return _fill(nonce=nonce, main=f'{hint}<div class="people">{people}</div>{_CLOCK}{rules}')


def not_built_page(*, nonce: str) -> str:
    """What a link leads to while the web files are missing."""
    return _fill(nonce=nonce, main=_hint() + '<p><a href="/">Back to the demo</a></p>')


def _card(person: Person) -> str:
    return (
        f'<a class="person" href="/demo/{escape(person.id)}" target="callclock-{escape(person.id)}">'
        f'<span class="role">{escape(person.role)}</span>'
        f'<span class="name">{escape(person.name)}</span>'
        f'<span class="presence" data-user="{escape(person.id)}">Join as {escape(person.id)}</span></a>'
    )


def _hint() -> str:
    return (
        '<p class="hint" role="status">The web app is not built yet. Run <code>make web</code>,'
        " then start the demo again.</p>"
    )


def _fill(*, nonce: str, main: str) -> str:
    return _template().replace("{{nonce}}", escape(nonce)).replace("{{main}}", main)


@cache
def _template() -> str:
    return (_FOLDER / "home.html").read_text(encoding="utf-8")


_CLOCK = """
<section class="clock" aria-labelledby="clock-title" data-level="calm">
  <h2 id="clock-title">Appointment <span id="call-id"></span></h2>
  <p class="time" id="time" role="timer" aria-live="off">&nbsp;</p>
  <div class="line" aria-hidden="true"><div id="drain"></div></div>
  <p class="state" id="state" role="status">&nbsp;</p>
  <button type="button" id="start-over">Start over</button>
  <p class="quiet">Ends this appointment if it runs and makes a new one. Both links lead to it.</p>
</section>
"""

_RULES = """
<section class="rules" aria-labelledby="rules-title">
  <h2 id="rules-title">The rules of this appointment</h2>
  <ul>
    <li>The clock starts when both are there. Join as bill first: his page says what it waits for.</li>
    <li>It stands still while the specialist is away. Leave as dr-lecter, and come back.</li>
    <li>More time is offered with a price, and only bill's consent moves the end. Press "Offer time".</li>
    <li>Bill can ask for time himself. Press "Ask for time".</li>
    <li>After zero come two minutes of overtime, counted up; then the call ends.</li>
    <li>The end page shows the record: waiting, running, paused, overtime, and every change.</li>
  </ul>
</section>
"""

_HOW_TO_SEE_RULES = """
<p class="quiet">This is the plain clock. <code>make demo FAIR=1</code> shows the rules of paid time:
waiting for both, pauses, overtime, consent with a price.</p>
"""

"""Draw the timelines of docs/why/fair-clock.md from sessions that the server's own rules play.

`python docs/tools/timelines.py` writes the pictures; with `--check` it fails when one would change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "server" / "tests"))

from callclock_server.domain import extending  # noqa: E402
from callclock_server.domain.errors import RunsIntoNextCall  # noqa: E402
from callclock_server.domain.fair import Request  # noqa: E402
from domain.sitting import Sitting, after, seconds_of  # noqa: E402 - found by the line above

FOLDER = ROOT / "docs" / "images" / "fair-clock"
ROLES = ("specialist", "patient")
COLOURS = {"waiting": "#9aa5b1", "running": "#2f7d6b", "paused": "#d9a441", "overtime": "#b5483a"}
LEFT, WIDTH, ROW = 110, 640, 34


def early_arrival() -> Sitting:
    """The patient comes ten minutes early; the hour begins with the specialist."""
    sitting = Sitting(starts="all_roles", required_roles=ROLES)
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=600)
    return sitting


def scheduled() -> Sitting:
    """The clock starts at the appointment, and the specialist comes five minutes late."""
    sitting = Sitting(starts="scheduled", scheduled_at=300)
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=600)
    return sitting


def backstage() -> Sitting:
    """The patient waits until she is admitted; time before does not count."""
    sitting = Sitting(backstage=True, opens="manual")
    sitting.join("specialist", at=0, backstage=True)
    sitting.join("patient", "patient", at=120)
    sitting.admit("patient", at=480)
    return sitting


def absence() -> Sitting:
    """The specialist is away for ten minutes; the hour becomes ten minutes longer."""
    sitting = Sitting(pause_when_absent=("specialist",))
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=0)
    sitting.leave("specialist", at=1500)
    sitting.join("specialist", at=2100)
    return sitting


def absence_cap() -> Sitting:
    """She does not come back: after `max_pause_seconds` the clock goes on, and the session ends."""
    sitting = Sitting(pause_when_absent=("specialist",), max_pause_seconds=900)
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=0)
    sitting.leave("specialist", at=1500)
    return sitting


def overtime() -> Sitting:
    """Ten minutes after zero, visibly and on the record; then the hard end."""
    sitting = Sitting(overtime_seconds=600)
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=0)
    return sitting


def covered_overtime() -> Sitting:
    """An extension of 15 minutes in overtime covers what has run over."""
    sitting = overtime()
    sitting.extend(900, at=3900)
    return sitting


def by_hand() -> Sitting:
    """Started by hand after ten minutes, and paused by hand for five."""
    sitting = together(Sitting(starts="manual"))
    sitting.start(at=600)
    sitting.pause(at=1800)
    sitting.resume(at=2100)
    return sitting


def wall_cap() -> Sitting:
    """`max_wall_seconds` of 65 minutes ends a session that pauses have stretched."""
    sitting = together(Sitting(max_wall_seconds=3900))
    sitting.pause(at=1500)
    sitting.resume(at=2100)
    return sitting


def consent() -> Sitting:
    """Two offers of 15 minutes: one is declined, one accepted, and only that moves the end."""
    sitting = together(Sitting(extension={"consent_roles": ("patient",)}))
    for at, answer in ((2700, "declined"), (3300, "accepted")):
        sitting.offer(900, at=at)
        sitting.take(extending.close_offer(sitting.session, answer=answer, by="patient", now=after(at + 30)))
    sitting.extend(900, at=3330)
    return sitting


def request() -> Sitting:
    """The patient asks for ten minutes, and the specialist approves."""
    sitting = together(Sitting(extension={"steps_seconds": (600,)}))
    asked = Request(
        id="r", seconds=600, by="patient", reason=None, requested_at=after(3000), expires_at=after(3120)
    )
    sitting.settle(3000)
    sitting.session = extending.request(sitting.session, asked)
    sitting.take(
        extending.close_request(sitting.session, asked, answer="approved", by="ann", now=after(3060))
    )
    sitting.extend(600, at=3060)
    return sitting


def next_call() -> Sitting:
    """Her next call begins at minute 70: 15 more minutes are refused, the ten that are free are added."""
    sitting = together(Sitting(back_to_back="refuse"))
    sitting.calendar(4200)
    try:
        sitting.extend(900, at=3000)
    except RunsIntoNextCall as refused:
        sitting.extend(refused.facts["free_seconds"], at=3060)
    return sitting


def together(sitting: Sitting) -> Sitting:
    """Both are there from the beginning."""
    sitting.join("patient", "patient", at=0)
    sitting.join("specialist", at=0)
    return sitting


def no_show() -> Sitting:
    """The specialist does not come within ten minutes: the call ends, nothing has run."""
    sitting = Sitting(starts="all_roles", required_roles=ROLES, no_show_seconds=600, no_show_action="end")
    sitting.join("patient", "patient", at=0)
    return sitting


SCENES: tuple[Callable[[], Sitting], ...] = (
    early_arrival,
    scheduled,
    backstage,
    absence,
    absence_cap,
    overtime,
    covered_overtime,
    no_show,
    by_hand,
    wall_cap,
    consent,
    request,
    next_call,
)


def draw(scene: Callable[[], Sitting]) -> str:
    """Return the picture of a scene: the clock, and who was there."""
    sitting = scene()
    record = sitting.record(100_000)
    whole = record.wall_seconds
    height = 70 + ROW * (1 + len(record.attendance))
    title = escape((scene.__doc__ or "").strip())
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="780" height="{height}" role="img"'
            ' font-family="system-ui, sans-serif" font-size="13">'
        ),
        f"<title>{title}</title>",
        f'<rect width="780" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" fill="#1b2733">{title}</text>',
        _label("clock", 0),
    ]
    for part in record.intervals:
        begin, stop = seconds_of(part.started_at) or 0.0, seconds_of(part.ended_at) or 0.0
        offset = begin - (seconds_of(record.intervals[0].started_at) or 0.0)
        parts.append(_bar(offset, stop - begin, whole, 0, COLOURS[part.state]))
        if (stop - begin) / whole > 0.14:
            x = LEFT + WIDTH * (offset + (stop - begin) / 2) / whole
            words = f"{part.state} {(stop - begin) / 60:g} min"
            parts.append(f'<text x="{x:.1f}" y="51" fill="#fff" text-anchor="middle">{words}</text>')
    first = seconds_of(record.intervals[0].started_at) or 0.0
    for change in sitting.ledger:
        if change.how == "extend":
            x = LEFT + WIDTH * ((seconds_of(change.at) or 0.0) - first) / whole
            words = f"+{change.seconds / 60:g} min"
            parts.append(f'<path d="M{x:.1f} 31v32" stroke="#1b2733" stroke-width="2"/>')
            parts.append(f'<text x="{x + 6:.1f}" y="51" fill="#fff" font-weight="600">{words}</text>')
    for row, person in enumerate(record.attendance, start=1):
        parts.append(_label(person.user_id, row))
        for begins, stops in person.presence:
            begin, stop = seconds_of(begins) or 0.0, seconds_of(stops) or 0.0
            parts.append(_bar(begin - first, stop - begin, whole, row, "#5b7aa6"))
    parts.append(
        f'<text x="{LEFT}" y="{height - 10}" fill="#52606d">wall {whole / 60:g} = waiting'
        f" {record.waiting_seconds / 60:g} + running {record.running_seconds / 60:g} + paused"
        f" {record.paused_seconds / 60:g} + overtime {record.overtime_seconds / 60:g} minutes</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _label(words: str, row: int) -> str:
    return f'<text x="10" y="{51 + ROW * row}" fill="#1b2733">{escape(words)}</text>'


def _bar(offset: float, length: float, whole: float, row: int, colour: str) -> str:
    x, width = LEFT + WIDTH * offset / whole, WIDTH * length / whole
    return f'<rect x="{x:.1f}" y="{35 + ROW * row}" width="{width:.1f}" height="24" rx="3" fill="{colour}"/>'


def main(arguments: list[str]) -> int:
    """Write the pictures, or with `--check` tell which would change."""
    changed = []
    for scene in SCENES:
        path, picture = FOLDER / f"{scene.__name__}.svg", draw(scene)
        if path.exists() and path.read_text() == picture:
            continue
        changed.append(path.name)
        if "--check" not in arguments:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(picture)
    if changed and "--check" in arguments:
        sys.stderr.write(f"not as the rules play them: {', '.join(changed)}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

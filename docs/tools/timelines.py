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

from domain.sitting import Sitting, seconds_of  # noqa: E402 - found by the line above

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
)


def draw(scene: Callable[[], Sitting]) -> str:
    """Return the picture of a scene: the clock, and who was there."""
    record = scene().record(100_000)
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
        if (stop - begin) / whole > 0.09:
            x = LEFT + WIDTH * (offset + (stop - begin) / 2) / whole
            words = f"{part.state} {(stop - begin) / 60:g} min"
            parts.append(f'<text x="{x:.1f}" y="51" fill="#fff" text-anchor="middle">{words}</text>')
    first = seconds_of(record.intervals[0].started_at) or 0.0
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

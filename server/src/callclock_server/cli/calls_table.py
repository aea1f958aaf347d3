"""How calls look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callclock import CallDetails, CallState, Change, Session
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

AMBER_SECONDS = 300
RED_SECONDS = 60


@dataclass(frozen=True)
class Snapshot:
    """Calls as they were at `taken_at` (monotonic seconds): the time left is counted on from there."""

    calls: tuple[CallDetails, ...]
    more: bool
    taken_at: float


def list_table(snapshot: Snapshot, *, now: float) -> RenderableType:
    """A row for each call, or a sentence when there is none."""
    if not snapshot.calls:
        return Text("No calls.")
    table = Table(
        "Call", "State", "In it", "Limit", "Time left", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )
    for details in snapshot.calls:
        call = details.call
        session = call.session
        limit = session.max_duration_seconds if session else call.settings.limits.max_duration_seconds
        table.add_row(
            Text(call.cid),
            _state(call),
            str(len(session.participants)) if session else "",
            duration(limit) if limit else "none",
            time_left(session, elapsed_seconds=now - snapshot.taken_at),
        )
    return Group(table, Text("There are more; raise --limit.")) if snapshot.more else table


def details_table(details: CallDetails, ledger: Sequence[Change]) -> RenderableType:
    """One call with its people and its ledger."""
    call = details.call
    facts = Table.grid(padding=(0, 3, 0, 0))
    facts.add_row("State", _state(call))
    facts.add_row("Time left", time_left(call.session, elapsed_seconds=0.0))
    if call.session and call.session.timer_ends_at:
        facts.add_row("Ends at", f"{call.session.timer_ends_at:%Y-%m-%d %H:%M:%S} UTC")
    if call.ended_at:
        facts.add_row("Ended at", f"{call.ended_at:%Y-%m-%d %H:%M:%S} UTC")
    facts.add_row("Members", Text(", ".join(member.user_id for member in details.members) or "none"))
    present = sorted({each.user_id for each in call.session.participants}) if call.session else []
    facts.add_row("In the call", Text(", ".join(present) or "nobody"))
    rows: list[RenderableType] = [Text(call.cid, style="bold"), facts]
    if ledger:
        table = Table("At", "How", "By", "Seconds", "Reason", box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for row in ledger:
            by = Text(row.by or "the server")
            table.add_row(f"{row.at:%H:%M:%S}", row.how, by, f"{row.seconds:+}", Text(row.reason or ""))
        rows += [Text(""), table]
    return Group(*rows)


def time_left(session: Session | None, *, elapsed_seconds: float) -> Text:
    """What is left, counted on by `elapsed_seconds` since the server told it; in words as well as colour."""
    if session is None or session.clock is None:
        return Text("")
    if session.clock.remaining_seconds is None:
        return Text("no limit")
    left = max(0.0, session.clock.remaining_seconds - elapsed_seconds)
    style = "red" if left <= RED_SECONDS else "yellow" if left <= AMBER_SECONDS else ""
    warning = " ending" if left <= RED_SECONDS else " soon" if left <= AMBER_SECONDS else ""
    return Text(duration(left) + warning, style=style)


def duration(seconds: float) -> str:
    """`59:03`, or `1:00:00` from an hour on; a started second counts whole."""
    whole = int(-(-max(0.0, seconds) // 1))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"


def _state(call: CallState) -> Text:
    if call.ended_at is not None:
        reason = (call.ended_reason or "").replace("_", " ")
        return Text(f"ended ({reason})" if reason else "ended")
    return Text("running" if call.session else "not started")

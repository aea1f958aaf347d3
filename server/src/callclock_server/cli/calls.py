"""`callclock calls`: look at calls, give time, end them."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated, Any

import typer
from callclock import StreamClient, Verification
from rich.console import Console
from rich.live import Live

from callclock_server.cli.calls_table import Snapshot, details_table, duration, list_table
from callclock_server.cli.configuration import UrlOption, connect
from callclock_server.cli.trouble import Trouble

calls = typer.Typer(help="Look at calls, give time, end them.", no_args_is_help=True)

FETCH_SECONDS = 2.0
TICKS_PER_SECOND = 4
_PART = re.compile(r"(\d+)([hms]?)")
_UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1, "": 1}

CidArgument = Annotated[str, typer.Argument(metavar="CID", help="The call, as type:id.")]


@calls.command("list")
def list_calls(
    all_calls: Annotated[bool, typer.Option("--all", help="Not only those that are going on.")] = False,
    call_type: Annotated[str | None, typer.Option("--type", help="Only calls of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 25,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, with the time left ticking.")] = False,
    url: UrlOption = None,
) -> None:
    """The calls that are going on, the one that ends first on top."""
    console = Console()
    query = _query(all_calls=all_calls, call_type=call_type, limit=limit)
    with connect(url) as client:
        snapshot = _snapshot(client, query)
        if not watch:
            console.print(list_table(snapshot, now=time.monotonic()))
            return
        with Live(console=console, refresh_per_second=TICKS_PER_SECOND, screen=False) as live:
            try:
                _watch(client, query, snapshot, live)
            except KeyboardInterrupt:
                return


@calls.command("show")
def show(cid: CidArgument, url: UrlOption = None) -> None:
    """One call: its clock, who is there, and every change of its end."""
    call_type, call_id = _split(cid)
    with connect(url) as client:
        call = client.video.call(call_type, call_id)
        details = call.get()
        session_id = details.call.session.id if details.call.session else details.call.last_session_id
        ledger = call.ledger(session_id) if session_id else []
    Console().print(details_table(details, ledger))


@calls.command("extend", context_settings={"ignore_unknown_options": True})
def extend(
    cid: CidArgument,
    by: Annotated[str, typer.Argument(metavar="TIME", help="900, 15m, 1h30m; negative to shorten.")],
    reason: Annotated[str | None, typer.Option(help="Kept in the ledger.")] = None,
    url: UrlOption = None,
) -> None:
    """Move the end of a running call."""
    call_type, call_id = _split(cid)
    seconds = parse_seconds(by)
    with connect(url) as client:
        answer = client.video.call(call_type, call_id).extend(seconds, reason=reason)
    if answer.change is None:
        typer.echo(f"{cid}: {duration(seconds)} more are offered; the other side has to agree.")
        return
    ends_at = answer.change.new_ends_at
    moved = "was given" if seconds > 0 else "was shortened by"
    until = f"; it ends at {ends_at:%H:%M:%S} UTC" if ends_at else ""
    typer.echo(f"{cid} {moved} {duration(abs(seconds))}{until}.")


@calls.command("record")
def record(
    cid: CidArgument,
    session_id: Annotated[str | None, typer.Option("--session", help="Default: the last one.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV instead of JSON.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute it from ledger and event log, and compare.")
    ] = False,
    url: UrlOption = None,
) -> None:
    """Print the record of a session, or verify it."""
    call_type, call_id = _split(cid)
    with connect(url) as client:
        call = client.video.call(call_type, call_id)
        wanted = session_id or call.get().call.last_session_id
        if wanted is None:
            raise Trouble(f"{cid} has had no session.", "Its first join starts one.")
        if verify:
            _report(cid, wanted, call.verify(wanted))
        elif csv:
            typer.echo(call.record_csv(wanted), nl=False)
        else:
            told = call.record(wanted)
            signature = told.signature and {
                "algorithm": told.signature.algorithm,
                "key_id": told.signature.key_id,
                "value": told.signature.value,
            }
            signed = {"record": told.document, "signature": signature}
            typer.echo(json.dumps(signed, indent=2, ensure_ascii=False))


def _report(cid: str, session_id: str, found: Verification) -> None:
    for each in found.differences:
        typer.echo(f"{each.field}: the record says {each.record}, the log {each.recomputed}", err=True)
    if not found.matches:
        raise Trouble(
            f"The record of {session_id} in {cid} is not what ledger and event log come to.",
            "Keep the database as it is, and compare with the signed copy that you were sent.",
        )
    typer.echo(f"The record of {session_id} in {cid} is what ledger and event log come to.")


@calls.command("end")
def end(
    cid: CidArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = None,
) -> None:
    """End a call for everybody in it."""
    call_type, call_id = _split(cid)
    with connect(url) as client:
        call = client.video.call(call_type, call_id)
        session = call.get().call.session
        present = len(session.participants) if session else 0
        if not yes:
            typer.confirm(f"End {cid} for {present} people?", abort=True, err=True)
        call.end()
    typer.echo(f"{cid} has ended.")


def parse_seconds(text: str) -> int:
    """Seconds of `900`, `15m`, `1h30m` or `-5m`. Raises `Trouble`."""
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-")
    parts = _PART.findall(body)
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != body or seconds == 0:
        raise Trouble(f"{text!r} is not a time.", "Write seconds or 15m, 1h30m, -5m.")
    return sign * seconds


def _split(cid: str) -> tuple[str, str]:
    call_type, separator, call_id = cid.partition(":")
    if not (call_type and separator and call_id):
        raise Trouble(f"{cid!r} is not a call.", "Write it as type:id, for instance appointment:test-call.")
    return call_type, call_id


def _query(*, all_calls: bool, call_type: str | None, limit: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {} if all_calls else {"ongoing": True}
    if call_type:
        wanted["type"] = call_type
    field = (
        {"field": "created_at", "direction": -1} if all_calls else {"field": "timer_ends_at", "direction": 1}
    )
    return {"filter": wanted, "sort": [field], "limit": limit}


def _snapshot(client: StreamClient, query: dict[str, Any]) -> Snapshot:
    page = client.video.query_calls(**query)
    return Snapshot(page.items, more=page.next is not None, taken_at=time.monotonic())


def _watch(client: StreamClient, query: dict[str, Any], snapshot: Snapshot, live: Live) -> None:
    while True:
        now = time.monotonic()
        if now - snapshot.taken_at >= FETCH_SECONDS:
            snapshot = _snapshot(client, query)
        live.update(list_table(snapshot, now=now))
        time.sleep(1 / TICKS_PER_SECOND)

"""`callclock records`: is a record what the server signed?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from callclock import SignatureError
from callclock import records as signed

from callclock_server.cli.configuration import UrlOption, load_settings
from callclock_server.cli.trouble import Trouble

KEYS_PATH = "/.well-known/callclock-record-keys.json"
FETCH_WITHIN_SECONDS = 10.0

records = typer.Typer(help="Verify records of sessions.", no_args_is_help=True)


@records.callback()
def _records() -> None:
    """Verify records of sessions."""


@records.command("keys")
def keys(url: UrlOption = None) -> None:
    """Print the public keys of a server's records. Keep them: they outlast the server."""
    typer.echo(json.dumps(_fetch_keys(url), indent=2))


@records.command("verify")
def verify(
    file: Annotated[
        str, typer.Argument(help="The answer as JSON, or the record as CSV; - reads it from the input.")
    ],
    keys: Annotated[
        Path | None, typer.Option(help="Public keys that were kept, as `records keys` prints them.")
    ] = None,
    signature: Annotated[
        str | None, typer.Option(help="Of a CSV: the header X-Callclock-Record-Signature that came with it.")
    ] = None,
    url: UrlOption = None,
) -> None:
    """Tell whether a record is as it was signed. Without --keys the server is asked for its keys."""
    text = _read(file)
    known = _fetch_keys(url) if keys is None else _json(keys.read_text(encoding="utf-8"), str(keys))
    try:
        if signature is not None:
            key_id, what = signed.verify_csv(text, known, signature=signature), "The record"
        else:
            answer = _json(text, file)
            key_id = signed.verify(answer, known)
            what = f"The record of session {answer['record'].get('session_id')}"
    except SignatureError as exc:
        raise Trouble(
            f"The record is not to be relied upon: {exc}",
            "Compare it with what the server tells now: GET .../sessions/{id}/record.",
        ) from exc
    typer.echo(f"{what} is as it was signed, with the key {key_id}.")


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.buffer.read().decode()
    return Path(file).read_bytes().decode()  # not read_text: a CSV is signed with its line ends


def _json(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        raise Trouble(f"{name} is not JSON.", "For a record as CSV, give its --signature.") from exc
    if not isinstance(value, dict):
        raise Trouble(
            f"{name} is not what the server answers.", "Keep the whole answer: record and signature."
        )
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a member twice: others may read the one that was not verified."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Trouble(
            "The record is not to be relied upon: a name stands twice in one object.",
            "The server never writes that.",
        )
    return found


def _fetch_keys(url: str | None) -> dict[str, Any]:
    settings = load_settings()
    address = (url or settings.public_url or settings.loopback_url).rstrip("/")
    try:
        answer = httpx.get(address + KEYS_PATH, timeout=FETCH_WITHIN_SECONDS)
        answer.raise_for_status()
        return _json(answer.text, address)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Trouble(
            f"The keys cannot be had from {address}: {exc}",
            "Name the server with --url, or give keys that were kept with --keys.",
        ) from exc

"""`callclock keys` and `callclock token`."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Annotated

import jwt
import typer
from callclock import StreamClient

from callclock_server.cli.configuration import first_key, load_settings
from callclock_server.cli.trouble import Trouble
from callclock_server.settings import RECORD_KEY_BYTES

keys = typer.Typer(help="API keys and their secrets, and keys that sign records.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """API keys and their secrets, and keys that sign records."""


@keys.command("generate")
def generate() -> None:
    """Print a new key and secret as a CALLCLOCK_KEYS line; nothing is stored."""
    typer.echo(f"CALLCLOCK_KEYS=cc{secrets.token_hex(6)}:{secrets.token_urlsafe(32)}")


@keys.command("record")
def record() -> None:
    """Print a new key that signs records, as a CALLCLOCK_RECORD_KEYS line; nothing is stored."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(RECORD_KEY_BYTES)).rstrip(b"=").decode()
    typer.echo(f"CALLCLOCK_RECORD_KEYS={key}")


def token(
    user: Annotated[str | None, typer.Argument(help="The user whom the token is for.")] = None,
    expires_in: Annotated[int, typer.Option(min=1, help="Seconds until it expires.")] = 3600,
    server: Annotated[bool, typer.Option("--server", help="A token that may do everything.")] = False,
    call: Annotated[
        list[str] | None, typer.Option(metavar="CID", help="Good for this call only; may be repeated.")
    ] = None,
) -> None:
    """Print a token, signed with the first configured key. The server need not run."""
    key, secret = first_key(load_settings())
    if server == (user is not None):
        raise Trouble("Name either a user or --server.", "For instance: callclock token dr-lecter")
    if user is None:
        if call:
            raise Trouble("A server token is good for every call.", "Leave --call out, or name a user.")
        claims = {"server": True, "exp": int(time.time()) + expires_in}
        typer.echo(jwt.encode(claims, secret, algorithm="HS256"))
        return
    wrong = next((cid for cid in call or () if cid.count(":") != 1), None)
    if wrong is not None:
        raise Trouble(f"{wrong!r} is not a call.", "Write it as type:id, for instance appointment:test-call.")
    with StreamClient(key, secret) as client:
        typer.echo(client.create_token(user, expires_in_seconds=expires_in, call_cids=call or None))

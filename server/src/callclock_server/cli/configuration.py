"""Where the command line gets its settings: from the environment, which only it reads, and options."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from callclock import StreamClient

from callclock_server.cli.trouble import Trouble
from callclock_server.settings import Settings

UrlOption = Annotated[
    str | None, typer.Option("--url", help="Address of the server; default: the configured one.")
]


def load_settings(**overrides: Any) -> Settings:
    """The settings of the environment with options on top. Raises `SettingsError`."""
    return Settings.load(environ=os.environ, **overrides)


def first_key(settings: Settings) -> tuple[str, str]:
    """The API key and secret that commands use. Raises `Trouble` when there is none."""
    for key, secret in settings.keys.items():
        return key, secret
    raise Trouble(
        "No API key is configured.",
        "Run `callclock keys generate` and put the line that it prints into the environment.",
    )


def connect(url: str | None) -> StreamClient:
    """A client for the configured server, or the one at `url`."""
    settings = load_settings()
    key, secret = first_key(settings)
    address = url or settings.public_url or settings.loopback_url
    if not address.startswith(("http://", "https://")):
        raise Trouble(f"{address!r} is not an address of a server.", "Write it as http://host:port.")
    return StreamClient(key, secret, base_url=address)

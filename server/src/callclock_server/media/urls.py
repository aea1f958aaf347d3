"""URLs of media engines."""

from __future__ import annotations


def as_websocket(url: str) -> str:
    """The URL with the scheme ws or wss, as LiveKit's clients want it."""
    scheme, _, rest = url.partition("://")
    return f"{'wss' if scheme in {'https', 'wss'} else 'ws'}://{rest}"

"""A server with a real LiveKit beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit


@contextmanager
def call_with_livekit(
    folder: Path, *, webhooks: bool = True, **settings: Any
) -> Iterator[tuple[RunningServer, LiveKit]]:
    """Start a server, then the LiveKit that it is configured for. Without `webhooks` LiveKit tells nobody."""
    demand_livekit()
    livekit = LiveKit(folder)
    settings.setdefault("reconcile_seconds", 1.0)
    with running_server(**livekit.settings, **settings) as server:
        if webhooks:
            livekit.webhooks = [f"{server.url}/v1/media/webhook"]
        with livekit:
            yield server, livekit

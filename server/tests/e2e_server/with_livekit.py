"""A server with a real LiveKit beside it, and a postbox that keeps LiveKit's webhooks back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit


@contextmanager
def call_with_livekit(
    folder: Path, *, webhooks: Sequence[str] | None = None, **settings: Any
) -> Iterator[tuple[RunningServer, LiveKit]]:
    """Start a server, then the LiveKit that it is configured for. It tells the server, or `webhooks`."""
    demand_livekit()
    livekit = LiveKit(folder)
    settings.setdefault("reconcile_seconds", 1.0)
    with running_server(**livekit.settings, **settings) as server:
        livekit.webhooks = [f"{server.url}/v1/media/webhook"] if webhooks is None else list(webhooks)
        with livekit:
            yield server, livekit


@dataclass(frozen=True)
class Letter:
    """One webhook as LiveKit sent it."""

    event: str
    body: bytes
    authorization: str

    async def deliver(self, url: str) -> None:
        """Hand it on, signature and all."""
        headers = {"Authorization": self.authorization, "Content-Type": "application/webhook+json"}
        async with httpx.AsyncClient() as client:
            (await client.post(url, content=self.body, headers=headers)).raise_for_status()


class Postbox:
    """Takes webhooks and delivers none of them."""

    def __init__(self) -> None:
        kept: list[Letter] = []

        class Slot(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append(Letter(json.loads(body)["event"], body, self.headers["Authorization"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        self._kept = kept
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Slot)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where LiveKit posts to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def letters(self) -> list[Letter]:
        """What has come, in order."""
        return list(self._kept)

    async def has(self, event: str, count: int) -> bool:
        """Whether that many of a kind have come."""
        return sum(letter.event == event for letter in self._kept) >= count

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

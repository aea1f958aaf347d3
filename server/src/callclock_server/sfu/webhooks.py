"""Webhooks as LiveKit sends them: signed, in order per room, retried.

Each URL has one queue per room. A delivery that fails is repeated with growing pauses and holds back
later events of the same room; after the last attempt it is dropped and counted in `num_dropped` of
the next event (a receiver compares with the room API). Other rooms and other URLs go on meanwhile.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import jwt
from google.protobuf.json_format import MessageToJson
from livekit.protocol import webhook

CONTENT_TYPE = "application/webhook+json"
TOKEN_TTL_SECONDS = 300

_MAX_QUEUED = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses in seconds between the attempts of one delivery, and the patience for one attempt."""

    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
    timeout_seconds: float = 10.0


@dataclass(slots=True)
class _Line:
    """Undelivered events of one room for one URL."""

    events: deque[webhook.WebhookEvent] = field(default_factory=deque)
    dropped: int = 0
    task: asyncio.Task[None] | None = None


def sign(body: str, *, api_key: str, secret: str, now: float) -> str:
    """The Authorization header of a webhook: a JWT with the SHA-256 of the body in it."""
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    claims = {"iss": api_key, "nbf": int(now), "exp": int(now) + TOKEN_TTL_SECONDS, "sha256": digest}
    return jwt.encode(claims, secret, algorithm="HS256")


class Webhooks:
    """Delivers room events to the configured URLs."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        api_key: str,
        secret: str,
        now: Callable[[], float],
        policy: RetryPolicy | None = None,
    ) -> None:
        self._urls = tuple(urls)
        self._api_key = api_key
        self._secret = secret
        self._now = now
        self._policy = policy or RetryPolicy()
        self._lines: dict[tuple[str, str], _Line] = {}
        self._client = httpx.AsyncClient(timeout=self._policy.timeout_seconds, trust_env=False)

    def notify(self, event: webhook.WebhookEvent) -> None:
        """Queue an event; its room decides the order."""
        event.id = event.id or f"EV_{secrets.token_hex(8)}"
        event.created_at = event.created_at or int(self._now())
        for url in self._urls:
            line = self._lines.setdefault((url, event.room.name), _Line())
            if len(line.events) >= _MAX_QUEUED:
                line.dropped += 1
                continue
            queued = webhook.WebhookEvent()
            queued.CopyFrom(event)
            line.events.append(queued)
            if line.task is None:
                line.task = asyncio.create_task(self._deliver((url, event.room.name), line))

    async def drain(self, *, timeout_seconds: float) -> None:
        """Wait until everything is delivered, at most this long."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        if tasks and timeout_seconds > 0:
            await asyncio.wait(tasks, timeout=timeout_seconds)

    async def close(self) -> None:
        """Give up what is not delivered yet."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _deliver(self, key: tuple[str, str], line: _Line) -> None:
        while line.events:
            event = line.events[0]
            event.num_dropped, line.dropped = line.dropped, 0
            if not await self._attempt(key[0], event):
                line.dropped = event.num_dropped + 1
                _log.error("webhook %s for room %r dropped after the last attempt", event.event, key[1])
            line.events.popleft()
        line.task = None
        if not line.dropped:
            self._lines.pop(key, None)

    async def _attempt(self, url: str, event: webhook.WebhookEvent) -> bool:
        body = MessageToJson(event, indent=None)
        for pause in (*self._policy.pauses, None):
            token = sign(body, api_key=self._api_key, secret=self._secret, now=self._now())
            headers = {"Content-Type": CONTENT_TYPE, "Authorization": token}
            try:
                response = await self._client.post(url, content=body.encode(), headers=headers)
                if response.is_success:
                    return True
                _log.warning("webhook %s answered %d", event.event, response.status_code)
            except httpx.HTTPError as exc:
                _log.warning("webhook %s failed: %s", event.event, type(exc).__name__)
            if pause is not None:
                await asyncio.sleep(pause)
        return False

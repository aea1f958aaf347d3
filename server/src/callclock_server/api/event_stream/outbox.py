"""The bounded queue between the hub, which never waits, and one reader, who may be slow."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

MAX_QUEUED_MESSAGES = 20_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024


class Overflow(Exception):
    """The reader is too slow for what it watches."""


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """How far a reader may fall behind. The bytes are shared between the readers of one event."""

    messages: int = MAX_QUEUED_MESSAGES
    bytes: int = MAX_QUEUED_BYTES


class Outbox:
    """Messages without their closing brace: the sender stamps `server_time` at the last moment."""

    def __init__(self, limits: OutboxLimits | None = None) -> None:
        self._limits = limits or OutboxLimits()
        self._messages: deque[str] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str) -> None:
        """Queue one message. Raises `Overflow` when the reader has fallen too far behind."""
        if len(self._messages) >= self._limits.messages or self._bytes + len(message) > self._limits.bytes:
            raise Overflow
        self._messages.append(message)
        self._bytes += len(message)
        self._ready.set()

    async def filled(self) -> None:
        """Wait until there is a message."""
        while not self._messages:
            self._ready.clear()
            await self._ready.wait()

    def take(self, most_bytes: int) -> list[str]:
        """Take the next messages: one at least, if there is any, and no more than `most_bytes` otherwise."""
        taken: list[str] = []
        size = 0
        while self._messages and (not taken or size + len(self._messages[0]) <= most_bytes):
            message = self._messages.popleft()
            size += len(message)
            taken.append(message)
        self._bytes -= size
        return taken

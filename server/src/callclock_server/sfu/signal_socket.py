"""One client's WebSocket: an ordered queue of outgoing messages and limits on incoming ones.

Invariants: `send` never blocks and keeps order; a client that reads too slowly, sends too fast, or
sends something that is no binary SignalRequest loses its socket, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from livekit.protocol import rtc

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
"""Close codes of RFC 6455 section 7.4.1."""

FLUSH_SECONDS = 2.0
"""How long a closing socket may take to write what is queued."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """How much signalling one client may send; queue length is what it may leave unread."""

    max_message_bytes: int = 1024 * 1024
    messages_per_second: float = 60.0
    burst_messages: int = 400
    max_queued_messages: int = 2048


class TokenBucket:
    """A rate limit: `burst` at once, `per_second` in the long run. Time (seconds) is passed in."""

    def __init__(self, *, per_second: float, burst: int, now: float) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._level = float(burst)
        self._filled_at = now

    def take(self, *, now: float) -> bool:
        """Take one token; False when none is left."""
        grown = self._level + (now - self._filled_at) * self._per_second
        self._level, self._filled_at = min(self._burst, grown), now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class SignalSocket:
    """The server's end of one accepted signalling connection."""

    def __init__(self, receive: Receive, send: Send, *, limits: SignalLimits) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._bucket = TokenBucket(
            per_second=limits.messages_per_second, burst=limits.burst_messages, now=time.monotonic()
        )
        self._queue: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._hung_up = asyncio.Event()

    @property
    def closing(self) -> bool:
        """Whether the socket takes no more messages."""
        return self._hung_up.is_set()

    def send(self, response: rtc.SignalResponse) -> None:
        """Queue a message; a client with too many unread ones is dropped."""
        if self.closing:
            return
        if self._queue.qsize() >= self._limits.max_queued_messages:
            _log.warning("signal client does not read, closing its socket")
            self.close(POLICY_VIOLATION)
            return
        self._queue.put_nowait(response.SerializeToString())

    def close(self, code: int = NORMAL) -> None:
        """Close the socket once everything queued so far is written, or `FLUSH_SECONDS` later."""
        if not self.closing:
            self._hung_up.set()
            self._queue.put_nowait(code)

    async def run(self, handle: Callable[[rtc.SignalRequest], None]) -> None:
        """Pass each request to `handle` until either side closes."""
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read(handle))
        hanging_up = asyncio.create_task(self._hung_up.wait())
        tasks = (writer, reader, hanging_up)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self.close(NORMAL)
            await asyncio.wait({writer}, timeout=FLUSH_SECONDS)
        finally:
            self._hung_up.set()
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    _log.error("signal connection ended by a server error", exc_info=outcome)

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                if isinstance(item, int):
                    await self._send({"type": "websocket.close", "code": item})
                    return
                await self._send({"type": "websocket.send", "bytes": item})
            except (OSError, RuntimeError) as exc:  # the ASGI server's way to say "already gone"
                _log.debug("signal socket is gone: %s", exc)
                return

    async def _read(self, handle: Callable[[rtc.SignalRequest], None]) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            code = self._accept(message.get("bytes"), handle)
            if code is not None:
                self.close(code)
                return

    def _accept(self, payload: bytes | None, handle: Callable[[rtc.SignalRequest], None]) -> int | None:
        """Handle one frame; returns the close code when the client broke a rule."""
        if self.closing:
            return None
        if payload is None:
            return UNSUPPORTED_DATA
        if len(payload) > self._limits.max_message_bytes:
            return MESSAGE_TOO_BIG
        if not self._bucket.take(now=time.monotonic()):
            return POLICY_VIOLATION
        request = rtc.SignalRequest()
        try:
            request.ParseFromString(payload)
        except DecodeError:
            return PROTOCOL_ERROR
        try:
            handle(request)
        except ProtocolViolation as exc:
            _log.info("closing a signal socket: %s", exc)
            return PROTOCOL_ERROR
        return None


class ProtocolViolation(Exception):
    """A client sent what no working client sends; its socket is closed."""

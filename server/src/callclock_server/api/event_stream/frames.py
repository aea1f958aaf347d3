"""WebSocket frames that are made once for all who read them.

A server's frames are not masked (RFC 6455, section 5.1), so the same bytes serve every socket: an event that
two hundred people watch is stamped, encoded and framed once. `FramesProtocol` is uvicorn's WebSocket protocol
with one thing more: it lends the application its transport, as the ASGI extension `callclock.frames`. Where
that is missing (another ASGI server) messages go the usual way, one by one.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "callclock.frames"
# Waiting frames are shared by their readers, so a buffer that takes a whole burst costs little.
HIGH_WATER_BYTES = 256 * 1024

_FINAL_TEXT = 0x81  # FIN and the opcode of text
_LONGEST_7_BITS = 125
_LONGEST_16_BITS = 0xFFFF


def text_frame(message: str) -> bytes:
    """Return the frame of a whole text message, as a server sends it."""
    text = message.encode()
    size = len(text)
    if size <= _LONGEST_7_BITS:
        return b"%c%c%b" % (_FINAL_TEXT, size, text)
    if size <= _LONGEST_16_BITS:
        return b"%c%c%b%b" % (_FINAL_TEXT, 126, size.to_bytes(2, "big"), text)
    return b"%c%c%b%b" % (_FINAL_TEXT, 127, size.to_bytes(8, "big"), text)


def stamped(payload: str, server_time: str) -> str:
    """Return a message with `server_time` (RFC 3339) in front of its other members."""
    return f'{{"server_time":"{server_time}",{payload[1:]}'


class FrameSink:
    """Writes frames to one socket without waiting, as long as its reader keeps up.

    What one turn of the loop brings is joined and handed to the transport at the next: a commit of many ends
    is one write for each socket.
    """

    def __init__(self, protocol: FramesProtocol) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._writable = protocol.writable
        self._frames: list[bytes] = []
        self._size = 0

    def write(self, frame: bytes) -> None:
        """Send whole frames."""
        if not self._frames:
            self._protocol.loop.call_soon(self._flush)
        self._frames.append(frame)
        self._size += len(frame)
        if self._size > HIGH_WATER_BYTES:
            self._flush()

    def _flush(self) -> None:
        frames, self._frames, self._size = self._frames, [], 0
        if frames and self.open:
            self._transport.write(b"".join(frames))

    @property
    def open(self) -> bool:
        """Whether messages may still be sent."""
        return not self._protocol.close_sent and not self._transport.is_closing()

    @property
    def ready(self) -> bool:
        """Whether the socket is open and takes more: its buffer is below the high-water mark."""
        return self._writable.is_set() and self.open

    async def drained(self) -> None:
        """Wait until the buffer is below the low-water mark, or the socket is gone."""
        await self._writable.wait()


class FramesProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which lends a `FrameSink` to the application."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = FrameSink(self)

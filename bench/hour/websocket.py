"""The client side of a WebSocket with as little work as possible: it shares the machine with the server."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Sequence
from typing import Any

import jwt

from hour.nodes import KEY, SECRET

CIDS_PER_MESSAGE = 500
_MASK = b"\0\0\0\0"  # a client must mask; with zeros the bytes stay as they are
_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A


class Frames(asyncio.Protocol):
    """Opens a WebSocket and hands whole text messages to `message` as places in a buffer."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        self._open = False
        self._transport: asyncio.Transport | None = None

    def opened(self) -> None:
        """The server has accepted the WebSocket."""

    def message(self, data: bytes, begin: int, end: int) -> None:
        """A text message has come: `data[begin:end]`."""
        raise NotImplementedError

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._open:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            if b" 101 " not in head[:20]:
                raise ConnectionError(head.decode())
            self._open = True
            self.opened()
        self._rest = data[self._take(data) :]

    def _take(self, data: bytes) -> int:
        """Handle the whole frames at the beginning of `data`; return where the rest begins."""
        place, size = 0, len(data)
        while size - place >= 2:
            length, start = data[place + 1], place + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if start + length > size:
                break
            if data[place] == _TEXT:
                self.message(data, start, start + length)
            elif data[place] == _PING:
                self.send(data[start : start + length], opcode=_PONG)
            place = start + length
        return place

    def send(self, data: bytes, *, opcode: int = _TEXT) -> None:
        """Send one frame."""
        assert self._transport is not None
        size = len(data)
        if size < 126:
            head = bytes((opcode, 0x80 | size))
        else:
            head = bytes((opcode, 0x80 | 126)) + size.to_bytes(2, "big")
        self._transport.write(head + _MASK + data)


def login(stream: Frames, cids: Sequence[str]) -> None:
    """Log in with a server token and watch calls."""
    token = jwt.encode({"server": True}, SECRET, algorithm="HS256")
    stream.send(json.dumps({"type": "auth", "api_key": KEY, "token": token}).encode())
    for begin in range(0, len(cids), CIDS_PER_MESSAGE):
        watch = {"type": "watch", "cids": list(cids[begin : begin + CIDS_PER_MESSAGE])}
        stream.send(json.dumps(watch).encode())

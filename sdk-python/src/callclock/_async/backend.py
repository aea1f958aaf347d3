"""What the asynchronous client needs of its world: waiting and WebSockets. Its twin is written by hand."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from callclock._sockets import MAX_MESSAGE_BYTES, Disconnected
from callclock.errors import ConnectionFailed

Socket = ClientConnection

sleep = asyncio.sleep


async def open_socket(url: str, *, timeout: float) -> Socket:
    """Connect within `timeout` seconds. Raises `ConnectionFailed`."""
    try:
        return await connect(url, open_timeout=timeout, close_timeout=1, max_size=MAX_MESSAGE_BYTES)
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as exc:
        raise ConnectionFailed(f"The event stream at {url} cannot be reached: {exc}") from exc


async def send(socket: Socket, text: str) -> None:
    """Send one message. Raises `Disconnected`."""
    try:
        await socket.send(text)
    except ConnectionClosed as exc:
        raise Disconnected.from_closed(exc) from exc


async def receive(socket: Socket, *, timeout: float) -> str | bytes:
    """The next message. Raises `Disconnected` when the connection ends or is silent for `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            return await socket.recv()
    except TimeoutError as exc:
        raise Disconnected(None, "silence") from exc
    except ConnectionClosed as exc:
        raise Disconnected.from_closed(exc) from exc

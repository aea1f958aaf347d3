"""What the synchronous client needs of its world: waiting and WebSockets. Written by hand."""

from __future__ import annotations

import time

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

from callclock._sockets import MAX_MESSAGE_BYTES, Disconnected
from callclock.errors import ConnectionFailed

Socket = ClientConnection

sleep = time.sleep


def open_socket(url: str, *, timeout: float) -> Socket:
    """Connect within `timeout` seconds. Raises `ConnectionFailed`."""
    try:
        connection = connect(url, open_timeout=timeout, close_timeout=1, max_size=MAX_MESSAGE_BYTES)
        # Entered but never left: the connection outlives this function, and `close()` ends it. Newer
        # versions of the library warn about connections that are used without having been entered.
        return connection.__enter__()
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as exc:
        raise ConnectionFailed(f"The event stream at {url} cannot be reached: {exc}") from exc


def send(socket: Socket, text: str) -> None:
    """Send one message. Raises `Disconnected`."""
    try:
        socket.send(text)
    except ConnectionClosed as exc:
        raise Disconnected.from_closed(exc) from exc


def receive(socket: Socket, *, timeout: float) -> str | bytes:
    """The next message. Raises `Disconnected` when the connection ends or is silent for `timeout` seconds."""
    try:
        return socket.recv(timeout=timeout)
    except TimeoutError as exc:
        raise Disconnected(None, "silence") from exc
    except ConnectionClosed as exc:
        raise Disconnected.from_closed(exc) from exc

"""The event stream's thin shell: connections, waiting and reconnecting around `EventProtocol`."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from callclock._async import backend
from callclock._event_protocol import TOKEN_EXPIRED, EventProtocol
from callclock._sockets import Disconnected
from callclock._tokens import TokenMint
from callclock.errors import CallclockError, ConnectionFailed
from callclock.events import CallEvent
from callclock.retries import RetryPolicy

# The server speaks every 10 s (`health.check`); this much silence is a dead connection.
SILENCE_SECONDS = 25.0
STREAM_TOKEN_SECONDS = 3600
# A connection that lived this long was a good one: the next waits start small again.
GOOD_CONNECTION_SECONDS = 5.0


class AsyncEventStream(AsyncIterator[CallEvent]):
    """Iterates over what happens to some calls, across lost connections, until it is closed.

    The first event of each call is its state (`StateRefreshed`). The first connection must succeed, or
    `ConnectionFailed`, `AuthenticationError` or `NotFound` is raised; later ones are tried again without end.
    The iteration ends when no call is left to watch.
    """

    def __init__(
        self,
        cids: Iterable[str],
        *,
        base_url: str,
        api_key: str,
        mint: TokenMint,
        timeout: float,
        retries: RetryPolicy,
    ) -> None:
        self._protocol = EventProtocol(cids)
        if not self._protocol.cids:
            raise ValueError("there is no call to watch")
        self._url = f"ws{base_url.removeprefix('http').rstrip('/')}/v1/events"
        self._api_key = api_key
        self._mint = mint
        self._timeout = timeout
        self._retries = retries
        self._socket: backend.Socket | None = None
        self._pending: deque[CallEvent] = deque()
        self._attempt = 0
        self._connected_at: float | None = None
        self._closed = False
        self._moves_at: float | None = None

    @property
    def connection_id(self) -> str | None:
        """The server's name for this connection, known after the first event; a join may name it."""
        return self._protocol.connection_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallEvent:
        while not self._pending:
            if self._closed or not self._protocol.cids:
                await self.aclose()
                raise StopAsyncIteration
            try:
                await self._read_one()
            except Disconnected as exc:
                await self._recover(exc)
            except CallclockError:
                await self.aclose()
                raise
        return self._pending.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; the iteration ends."""
        self._closed = True
        await self._hang_up()

    async def _read_one(self) -> None:
        socket = self._socket or await self._connect()
        wait = SILENCE_SECONDS
        if self._moves_at is not None:
            wait = min(wait, self._moves_at - time.monotonic())
        if wait <= 0.0:
            raise Disconnected(None, "moving")
        step = self._protocol.receive(await backend.receive(socket, timeout=wait))
        if step.reconnect_in_seconds is not None:
            self._moves_at = time.monotonic() + step.reconnect_in_seconds
        for text in step.send:
            await backend.send(socket, text)
        self._pending.extend(step.events)

    async def _connect(self) -> backend.Socket:
        self._attempt += 1
        try:
            socket = await backend.open_socket(self._url, timeout=self._timeout)
        except ConnectionFailed as exc:
            if self._connected_at is None and self._attempt >= self._retries.attempts:
                raise
            raise Disconnected(None, "not connected") from exc
        self._socket = socket
        self._connected_at = time.monotonic()
        token = self._mint.server_token(expires_in_seconds=STREAM_TOKEN_SECONDS)
        await backend.send(socket, self._protocol.hello(api_key=self._api_key, token=token))
        return socket

    async def _recover(self, lost: Disconnected) -> None:
        """Make ready for the next connection; raises what makes another one pointless."""
        was_connected = self._socket is not None
        await self._hang_up()
        if self._closed:
            return
        error = self._protocol.closed(lost.code, lost.reason)
        if error is not None:
            self._closed = True
            raise error
        if was_connected and time.monotonic() - (self._connected_at or 0.0) > GOOD_CONNECTION_SECONDS:
            self._attempt = 0
        if self._moves_at is not None:
            moves_at, self._moves_at = self._moves_at, None
            await backend.sleep(max(0.0, moves_at - time.monotonic()))
        elif lost.code != TOKEN_EXPIRED or not was_connected:
            await backend.sleep(self._delay())

    def _delay(self) -> float:
        doublings = min(max(self._attempt - 1, 0), 10)
        longest = min(
            self._retries.first_delay_seconds * float(2**doublings), self._retries.max_delay_seconds
        )
        return longest * (0.5 + 0.5 * random.random())

    async def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

"""A client of the event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from callclock_server.testing import RunningServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

WITHIN_SECONDS = 10.0


class Listener:
    """One stream; waits on messages, never on time alone."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.connection_id = ""

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, kind: str | None = None, *, within: float = WITHIN_SECONDS) -> dict[str, Any]:
        """The next message; with a kind, the next of that kind, letting others pass."""
        async with asyncio.timeout(within):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                if kind is None or message["type"] == kind:
                    return message

    async def watch(self, *cids: str) -> dict[str, Any]:
        await self.say(type="watch", cids=list(cids))
        return await self.hear("watch.ok")

    async def end(self, *, within: float = WITHIN_SECONDS) -> tuple[int | None, str]:
        """Read until the server closes; return its code and reason."""
        async with asyncio.timeout(within):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason or ""


@asynccontextmanager
async def raw_stream(server: RunningServer, **options: Any) -> AsyncIterator[Listener]:
    """A stream that has said nothing yet."""
    url = f"{server.ws_url}/v1/events"
    async with connect(
        url, max_size=None, compression=None, proxy=None, close_timeout=1, **options
    ) as socket:
        yield Listener(socket)


@asynccontextmanager
async def stream(
    server: RunningServer, token: str, *, connection_id: str | None = None, **options: Any
) -> AsyncIterator[Listener]:
    """An authenticated stream."""
    async with raw_stream(server, **options) as listener:
        await listener.say(type="auth", api_key=server.api_key, token=token, connection_id=connection_id)
        message = await listener.hear()
        assert message["type"] == "connection.ok", message
        listener.connection_id = message["connection_id"]
        yield listener

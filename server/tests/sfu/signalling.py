"""A client without media: raw signalling messages, for what no SDK would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from livekit.protocol import rtc
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .running import Running

WAIT_SECONDS = 5.0


class Raw:
    """One raw signalling connection (v0)."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[rtc.SignalResponse] = []

    @classmethod
    @asynccontextmanager
    async def joined(cls, site: Running, token: str, query: str = "") -> AsyncIterator[Raw]:
        """Connect and read the first message."""
        url = f"{site.url}/rtc?access_token={token}{query}"
        async with connect(url, max_size=None, open_timeout=WAIT_SECONDS) as connection:
            raw = cls(connection)
            await raw.receive("join", "reconnect", "leave")
            yield raw

    @property
    def joined_as(self) -> Any:
        """The participant of the join response."""
        return self.seen[0].join.participant

    async def send(self, **message: Any) -> None:
        """Send one SignalRequest, its field by name."""
        await self.connection.send(rtc.SignalRequest(**message).SerializeToString())

    async def receive(self, *kinds: str) -> rtc.SignalResponse:
        """The next message of one of these kinds; others are kept in `seen`."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                response = rtc.SignalResponse()
                response.ParseFromString(await self.connection.recv(decode=False))
                self.seen.append(response)
                if response.WhichOneof("message") in kinds:
                    return response

    async def until_closed(self) -> int:
        """Wait until the server closes the socket; returns the close code."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006

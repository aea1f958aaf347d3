"""Collects messages of a bus, and waits for them."""

from __future__ import annotations

import asyncio
from typing import Any


class Receiver:
    """Collects messages, and waits for a number of them."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._arrived = asyncio.Event()

    def __call__(self, message: Any) -> None:
        self.messages.append(message)
        self._arrived.set()

    async def wait_for(self, count: int) -> list[Any]:
        async with asyncio.timeout(5):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages

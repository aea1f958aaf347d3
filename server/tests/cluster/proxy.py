"""TCP proxies that can fall silent: what is sent through them then waits, and nobody is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

CHUNK_BYTES = 256 * 1024


class Proxies:
    """A thread with a loop that carries them all, between `start` and `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def open(self, target: Callable[[], int]) -> Proxy:
        """Open a proxy to the loopback port that `target` names at each connection."""
        return asyncio.run_coroutine_threadsafe(Proxy.open(self._loop, target), self._loop).result(timeout=10)

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Proxy:
    """One way to one place."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Callable[[], int]) -> None:
        self._loop = loop
        self._target = target
        self._forwards = asyncio.Event()
        self._forwards.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @classmethod
    async def open(cls, loop: asyncio.AbstractEventLoop, target: Callable[[], int]) -> Proxy:
        proxy = cls(loop, target)
        proxy._server = await asyncio.start_server(proxy._carry, "127.0.0.1", 0, backlog=512)
        proxy.port = proxy._server.sockets[0].getsockname()[1]
        return proxy

    def cut(self) -> None:
        """Forward nothing more, in neither direction; close nothing."""
        self._loop.call_soon_threadsafe(self._forwards.clear)

    def heal(self) -> None:
        """Forward what has waited, and everything that comes."""
        self._loop.call_soon_threadsafe(self._forwards.set)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._forwards.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            for each in (writer, back):
                each.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                await self._forwards.wait()
                drain.write(data)
                await drain.drain()
        await self._forwards.wait()
        with suppress(OSError):
            drain.close()

"""A TCP proxy that falls silent, or cuts a connection at a chosen moment."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

_PIECE = 65_536


class Proxy:
    """Forwards a loopback port to `host:port`, in a thread of its own.

    - `freeze()` stops forwarding in silence, as a network does that drops packets; `thaw()` goes on.
    - `cut_commit(b"...")` waits for a connection on which the client sends these bytes, lets the COMMIT that
      follows through, and cuts that connection before the answer: once.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = 0
        self._target = (host, port)
        self._flowing = asyncio.Event()
        self._fatal: bytes | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def freeze(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def cut_commit(self, marker: bytes) -> None:
        self._fatal = marker

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        self._close_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, back}
        self._writers |= pair
        ways = [
            asyncio.create_task(self._forward(reader, back, from_client=True)),
            asyncio.create_task(self._forward(there, writer, from_client=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for each in pair:
                each.transport.abort()
            self._writers -= pair

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        doomed = False
        try:
            while data := await reader.read(_PIECE):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
                if from_client and self._fatal is not None:
                    doomed = doomed or self._fatal in data
                    if doomed and b"COMMIT;" in data:
                        self._fatal = None
                        return
        except OSError:
            return

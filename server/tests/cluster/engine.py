"""A media engine apart from the nodes: the room server alone, in a thread, at a port that it keeps."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from callclock_server.sfu import RoomServer, RoomServerSettings

START_WITHIN_SECONDS = 20.0


class Engine:
    """Speaks LiveKit's server API. `with Engine() as engine`."""

    key = "engine-key"
    secret = "a-secret-of-the-engine-of-32-bytes"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="engine", daemon=True)
        self._thread.start()
        if not self._started.wait(START_WITHIN_SECONDS):
            raise TimeoutError("the media engine did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=START_WITHIN_SECONDS)
        self._listener.close()

    def rooms(self) -> set[str]:
        """Names of the rooms that exist now."""
        return asyncio.run_coroutine_threadsafe(self._names(), self._loop).result(timeout=10)

    async def _names(self) -> set[str]:
        return {room.name for room in self._server.rooms.all()}

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        settings = RoomServerSettings(
            api_keys={self.key: self.secret}, udp_host="127.0.0.1", addresses=("127.0.0.1",)
        )
        self._server = RoomServer(settings)
        await self._server.start()
        config = uvicorn.Config(self._server, lifespan="off", log_config=None, ws="websockets-sansio")
        host = uvicorn.Server(config)
        serving = asyncio.create_task(host._serve(sockets=[self._listener]))
        self._started.set()
        await self._stop.wait()
        host.should_exit = host.force_exit = True
        await serving
        await self._server.close()

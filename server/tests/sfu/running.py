"""A room server behind a real uvicorn on a free loopback port, and tokens for it."""

from __future__ import annotations

import asyncio
import datetime
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from callclock_server.sfu import RoomServer, RoomServerSettings
from livekit import api

KEY = "test-key"
SECRET = "a-secret-of-at-least-thirty-two-bytes"


@dataclass
class Running:
    """A started server and what tests need to reach it."""

    server: RoomServer
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.http_url, KEY, SECRET)

    async def create_room(self, name: str = "room", **settings: Any) -> Any:
        async with self.api() as client:
            return await client.room.create_room(api.CreateRoomRequest(name=name, **settings))


def token(
    identity: str,
    *,
    room: str = "room",
    secret: str = SECRET,
    key: str = KEY,
    ttl_seconds: float = 600,
    grants: api.VideoGrants | None = None,
    **video: Any,
) -> str:
    """A token for one participant; `video` are fields of `VideoGrants`."""
    chosen = grants or api.VideoGrants(**{"room_join": True, "room": room, **video})
    made = api.AccessToken(key, secret).with_identity(identity).with_name(identity.title())
    return made.with_grants(chosen).with_ttl(datetime.timedelta(seconds=ttl_seconds)).to_jwt()


@asynccontextmanager
async def running(app: Any = None, **settings: Any) -> AsyncIterator[Running]:
    """Run a room server; `app` may wrap it (given the server, it returns an ASGI application)."""
    server = RoomServer(
        RoomServerSettings(
            **{
                "api_keys": {KEY: SECRET},
                "udp_host": "127.0.0.1",
                "addresses": ("127.0.0.1",),
                **settings,
            }
        )
    )
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app(server) if app else server, lifespan="off", log_config=None, ws="websockets-sansio"
    )
    host = uvicorn.Server(config)
    host.capture_signals = _no_signals  # type: ignore[method-assign]
    await server.start()
    serving = asyncio.create_task(host.serve(sockets=[listener]))
    try:
        while not host.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield Running(server=server, port=listener.getsockname()[1])
    finally:
        await server.close()
        host.should_exit = True
        host.force_exit = True
        await serving
        listener.close()


class _NoSignals:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...


def _no_signals() -> _NoSignals:
    return _NoSignals()

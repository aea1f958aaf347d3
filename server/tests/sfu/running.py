"""A room server on a free loopback port, and tokens for it: the embedded one behind uvicorn, or LiveKit."""

from __future__ import annotations

import asyncio
import datetime
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from callclock_server.sfu import RoomServer, RoomServerSettings
from callclock_server.testing.livekit import LiveKit, demand_livekit
from livekit import api

KEY = "test-key"
SECRET = "a-secret-of-at-least-thirty-two-bytes"


ENGINES = ["embedded", "livekit"]


@dataclass
class Running:
    """A started server and what tests need to reach it. LiveKit has no `embedded` to look into."""

    embedded: RoomServer | None
    port: int
    page_url: str = ""

    @property
    def server(self) -> RoomServer:
        """The embedded server, for tests of its own."""
        assert self.embedded is not None
        return self.embedded

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
        port = listener.getsockname()[1]
        yield Running(embedded=server, port=port, page_url=f"http://127.0.0.1:{port}")
    finally:
        await server.close()
        host.should_exit = True
        host.force_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def running_engine(
    engine: str, *, app: Any = None, webhook_urls: tuple[str, ...] = (), **room: Any
) -> AsyncIterator[Running]:
    """Run either engine. `room` are room defaults that both know; `app` serves pages, as in `running`."""
    if engine == "embedded":
        async with running(app, webhook_urls=webhook_urls, **room) as started:
            yield started
        return
    demand_livekit()
    with (
        tempfile.TemporaryDirectory(prefix="livekit-") as folder,
        LiveKit(Path(folder), webhooks=webhook_urls, api_key=KEY, api_secret=SECRET, **room) as livekit,
    ):
        if app is None:
            yield Running(embedded=None, port=livekit.port)
            return
        async with running(app) as pages:
            yield Running(embedded=None, port=livekit.port, page_url=pages.page_url)


class _NoSignals:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...


def _no_signals() -> _NoSignals:
    return _NoSignals()

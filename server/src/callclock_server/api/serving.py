"""How the application is put on a socket."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from callclock_server.api.event_stream.frames import FramesProtocol

# A client that answers no WebSocket ping for this long is gone, whatever its network says.
PING_SECONDS = 10.0
MAX_WEBSOCKET_BYTES = 1024 * 1024
GRACEFUL_SECONDS = 5


def uvicorn_config(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """The configuration of one server process. Logging is left as the caller has set it up."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws=FramesProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_max_size=MAX_WEBSOCKET_BYTES,
        # Compression costs the sender milliseconds that the end of a call does not have.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )

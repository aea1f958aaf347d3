"""The embedded room server's paths, handed on whole."""

from __future__ import annotations

from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIXES = ("/rtc", "/twirp/livekit.RoomService")


class MediaRoute(BaseRoute):
    """Gives every request below `PREFIXES`, HTTP and WebSocket, to the room server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        ours = any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
        return (Match.FULL if ours and scope["type"] in {"http", "websocket"} else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: object) -> None:  # type: ignore[override]
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

"""The room server as an ASGI application: routing, authentication, background work.

Paths: WebSocket `/rtc` (two connections, v0) and `/rtc/v1` (one connection), GET `/rtc/validate` and
`/rtc/v1/validate` (why a WebSocket was refused), POST `/twirp/livekit.RoomService/*`. `start` opens the
UDP port, `close` sends everybody away and closes it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.protocol import webhook

from callclock_server.sfu import connection_quality, session, speakers
from callclock_server.sfu.asgi import header, query, read_body, refuse_socket, respond, respond_twirp_error
from callclock_server.sfu.join import JoinError, JoinParameters, read_v0, read_v1
from callclock_server.sfu.media import MediaPort
from callclock_server.sfu.room import Room, RoomSettings
from callclock_server.sfu.rooms import ROOM_NOT_FOUND, Patience, Rooms
from callclock_server.sfu.signal_socket import Message, Receive, Send, SignalLimits, SignalSocket
from callclock_server.sfu.tokens import Grants, TokenError, refreshed, verify
from callclock_server.sfu.twirp import (
    MAX_ROOM_NAME_LENGTH,
    PATH_PREFIX,
    RoomApi,
    RoomDefaults,
    TwirpError,
)
from callclock_server.sfu.webhooks import RetryPolicy, Webhooks

MAX_IDENTITY_LENGTH = 256
TICK_SECONDS = 0.5
DISMISS_SECONDS = 2.0

_SOCKET_PATHS = {"/rtc": read_v0, "/rtc/v1": read_v1}
_VALIDATE_PATHS = {f"{path}/validate": read for path, read in _SOCKET_PATHS.items()}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoomServerSettings:
    """Everything that can be set. Timeouts in seconds; `api_keys` maps key to secret.

    `addresses` are the IPs told to clients; empty means 127.0.0.1 and every interface's own. `now` tells the
    Unix time by which tokens are judged.
    """

    api_keys: Mapping[str, str]
    udp_host: str = "0.0.0.0"  # noqa: S104 - media must reach every interface
    udp_port: int = 0
    addresses: Sequence[str] = ()
    auto_create: bool = False
    now: Callable[[], float] = time.time
    webhook_urls: Sequence[str] = ()
    webhook_retry: RetryPolicy = field(default_factory=RetryPolicy)
    last_webhooks_seconds: float = 2.0
    empty_timeout: int = 300
    departure_timeout: int = 20
    remote_unmute: bool = False
    server_version: str = "1.10.0"
    limits: SignalLimits = field(default_factory=SignalLimits)
    patience: Patience = field(default_factory=Patience)


class Refusal(Exception):
    """A request that is refused with an HTTP status and a plain sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RoomServer:
    """A LiveKit-compatible room server in this process. Mount it as an ASGI application."""

    def __init__(self, settings: RoomServerSettings) -> None:
        if not settings.api_keys or not all(settings.api_keys.values()):
            raise ValueError("at least one API key with a secret is needed")
        self._settings = settings
        self._media: MediaPort | None = None
        self._webhooks: Webhooks | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: set[asyncio.Task[Any]] = set()
        self._dismissed = False
        self.rooms = Rooms(now=settings.now, notify=self._notify, patience=settings.patience)
        self._room_api = RoomApi(
            self.rooms,
            defaults=RoomDefaults(
                empty_timeout=settings.empty_timeout,
                departure_timeout=settings.departure_timeout,
                remote_unmute=settings.remote_unmute,
            ),
        )

    @property
    def media(self) -> MediaPort:
        """The media port. Raises `RuntimeError` before `start` and after `close`."""
        if self._media is None:
            raise RuntimeError("the room server is not started")
        return self._media

    async def start(self) -> None:
        """Open the UDP port and begin the background work. Raises `OSError` if the port is taken."""
        settings = self._settings
        self._media = await MediaPort.open(
            host=settings.udp_host, port=settings.udp_port, addresses=settings.addresses
        )
        key, secret = next(iter(settings.api_keys.items()))
        self._webhooks = Webhooks(
            settings.webhook_urls, api_key=key, secret=secret, now=settings.now, policy=settings.webhook_retry
        )
        self._tasks = [
            asyncio.create_task(self._every(TICK_SECONDS, self._tick)),
            asyncio.create_task(self._every(speakers.UPDATE_INTERVAL_SECONDS, self.rooms.update_speakers)),
            asyncio.create_task(
                self._every(connection_quality.UPDATE_INTERVAL_SECONDS, self.rooms.update_quality)
            ),
        ]

    async def close(self) -> None:
        """Send everybody away, deliver what webhooks are pending, close the port.

        Deliveries get `last_webhooks_seconds`; with 0 nobody is told of the close, which suits a receiver
        that stops together with this server.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        webhooks, patience = self._webhooks, self._settings.last_webhooks_seconds
        if patience <= 0:
            self._webhooks = None
        self.rooms.close()
        if webhooks is not None:
            await webhooks.drain(timeout_seconds=patience)
            await webhooks.close()
            self._webhooks = None
        if self._media is not None:
            await self._media.close()
            self._media = None

    async def dismiss(self) -> None:
        """Ask everybody to come back, and let nobody in: while the sockets are still open to say it.

        Returns when the sockets are closed. No webhook tells of it; `close` has to follow.
        """
        self._dismissed = True
        webhooks, self._webhooks = self._webhooks, None
        self.rooms.close()
        if webhooks is not None:
            await webhooks.close()
        if self._sockets:
            await asyncio.wait(self._sockets, timeout=DISMISS_SECONDS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI request; scope types other than http and websocket are refused."""
        path = "/" + str(scope.get("path", "")).strip("/")
        if scope["type"] == "websocket":
            await self._serve_socket(path, scope, receive, send)
        elif scope["type"] == "http":
            await self._serve_http(path, scope, receive, send)
        else:
            raise ValueError(f"unsupported scope type {scope['type']!r}")

    async def _serve_socket(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        try:
            read = _SOCKET_PATHS.get(path)
            if read is None:
                raise Refusal(404, "not found")
            if self._dismissed:
                raise Refusal(503, "the server is being restarted")
            grants, parameters, room = self._admission(read(query(scope)), scope)
        except JoinError as exc:
            await refuse_socket(scope, send, 400, str(exc))
            return
        except Refusal as exc:
            await refuse_socket(scope, send, exc.status, str(exc))
            return
        await send({"type": "websocket.accept"})
        task = asyncio.current_task()
        assert task is not None
        self._sockets.add(task)
        task.add_done_callback(self._sockets.discard)
        await session.serve(
            SignalSocket(receive, send, limits=self._settings.limits),
            room=room,
            grants=grants,
            parameters=parameters,
            media=self.media,
            server_version=self._settings.server_version,
        )

    async def _serve_http(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        try:
            if path in _VALIDATE_PATHS and scope["method"] == "GET":
                self._admission(_VALIDATE_PATHS[path](query(scope)), scope)
                await respond(send, 200, b"success", "text/plain")
            elif path.startswith(PATH_PREFIX) and scope["method"] == "POST":
                await self._serve_twirp(path.removeprefix(PATH_PREFIX), scope, receive, send)
            else:
                raise Refusal(404, "not found")
        except JoinError as exc:
            await respond(send, 400, str(exc).encode(), "text/plain")
        except Refusal as exc:
            await respond(send, exc.status, str(exc).encode(), "text/plain")

    async def _serve_twirp(self, method: str, scope: Message, receive: Receive, send: Send) -> None:
        try:
            grants = self._grants(scope)
            content_type = header(scope, b"content-type").partition(";")[0].strip()
            if content_type not in ("application/protobuf", "application/json"):
                raise TwirpError("bad_route", f"unexpected Content-Type: {content_type[:64]!r}")
            as_json = content_type == "application/json"
            body = await read_body(receive)
            response = self._room_api.call(method, body, json=as_json, grants=grants)
        except Refusal as exc:
            if header(scope, b"authorization"):  # LiveKit refuses a bad token before it looks at the call
                await respond(send, exc.status, str(exc).encode(), "text/plain")
            else:
                await respond_twirp_error(send, exc.status, "unauthenticated", str(exc))
        except TwirpError as exc:
            await respond_twirp_error(send, exc.status, exc.code, str(exc))
        else:
            await respond(send, 200, response, content_type)

    def _admission(self, parameters: JoinParameters, scope: Message) -> tuple[Grants, JoinParameters, Room]:
        """Decide who may connect to which room. Raises `Refusal`."""
        grants = self._grants(scope)
        if not grants.room_join:
            raise Refusal(401, "permissions denied")
        if not grants.identity or len(grants.identity) > MAX_IDENTITY_LENGTH:
            raise Refusal(400, f"an identity of 1 to {MAX_IDENTITY_LENGTH} characters is needed")
        if not grants.room or len(grants.room) > MAX_ROOM_NAME_LENGTH:
            raise Refusal(400, f"a room name of 1 to {MAX_ROOM_NAME_LENGTH} characters is needed")
        if (parameters.metadata or parameters.attributes) and not grants.can_update_metadata:
            raise Refusal(401, "permissions denied")
        room = self.rooms.get(grants.room)
        if room is None and not self._settings.auto_create:
            raise Refusal(404, ROOM_NOT_FOUND)
        room = room or self.rooms.create(self._default_room(grants.room))
        if room.is_revoked(grants.identity, issued_at=grants.issued_at):
            raise Refusal(401, "the token was revoked")
        if not room.has_place_for(grants.identity):
            raise Refusal(403, "room is full")
        return grants, parameters, room

    def _default_room(self, name: str) -> RoomSettings:
        settings = self._settings
        return RoomSettings(
            name=name, empty_timeout=settings.empty_timeout, departure_timeout=settings.departure_timeout
        )

    def _grants(self, scope: Message) -> Grants:
        bearer = header(scope, b"authorization")
        token = bearer.removeprefix("Bearer ").strip() if bearer else query(scope).get("access_token", "")
        if not token:
            raise Refusal(401, "no permissions to access the room")
        try:
            return verify(token, api_keys=self._settings.api_keys, now=self._settings.now())
        except TokenError as exc:
            raise Refusal(401, str(exc)) from exc

    def _tick(self) -> None:
        now = self._settings.now()
        for participant in self.rooms.tick(now=now):
            secret = self._settings.api_keys.get(participant.grants.api_key)
            if secret is not None:
                participant.send(
                    refresh_token=refreshed(participant.current_grants(), secret=secret, now=now)
                )
            participant.renewed(now=now)

    def _notify(self, event: webhook.WebhookEvent) -> None:
        if self._webhooks is not None:
            self._webhooks.notify(event)

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                work()
            except Exception:
                _log.exception("background work of the room server failed")

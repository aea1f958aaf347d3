"""Looks at a media engine as an operator would: does it answer, take our key, refuse unknown rooms, tell us?

Each look is a real attempt and returns a `Finding`; none raises. What they make (a room with a name of its
own) they remove. `callclock doctor` prints them, and the server asks the first two before it starts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from livekit import api
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from callclock_server.media.reachability import describe_media
from callclock_server.media.rooms import signed_token, signing_client
from callclock_server.media.urls import as_websocket
from callclock_server.timekeeping import Clock, SystemClock

PROBE_PREFIX = "callclock-probe-"
"""Rooms of this prefix are no session's; a Callclock server that hears of one deletes it."""

REQUEST_SECONDS = 4.0
WEBHOOK_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_ROOM_SECONDS = 60

_FAULTS = (api.TwirpError, aiohttp.ClientError, WebSocketException, TimeoutError, OSError, ValueError)

Level = Literal["ok", "warn", "fail"]
Cause = Literal["unreachable", "refused", "not_livekit", "auto_create", ""]


@dataclass(frozen=True, slots=True)
class Engine:
    """A media engine as its client knows it: the URL at which this machine reaches it, key and secret.

    Tokens are signed by `clock`.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    clock: Clock = field(default_factory=SystemClock, repr=False)

    def token(self, *, room: str, **grants: bool) -> str:
        """A short-lived token of a hidden participant for one room."""
        allowed = api.VideoGrants(room_join=True, room=room, hidden=True, can_publish=False, **grants)
        return signed_token(self.api_key, self.api_secret, self.clock, allowed, "callclock-probe")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look has found, in one or two sentences, and how to mend it. `cause` is for programs."""

    level: Level
    text: str
    remedy: str = ""
    cause: Cause = ""


async def look_at_key(engine: Engine) -> Finding:
    """The engine can be reached, is a LiveKit, and accepts our key and secret."""
    try:
        async with _client(engine) as client:
            await client.room.list_rooms(api.ListRoomsRequest(names=[PROBE_PREFIX]))
    except _FAULTS as exc:
        return _fault(engine, exc)
    return Finding("ok", f"The LiveKit at {engine.url} answers and accepts the key.")


async def look_at_auto_create(engine: Engine) -> Finding:
    """Nobody gets into a room that does not exist: tried with a good token for one."""
    room = _new_room()
    try:
        async with _joining(engine, room):
            pass
    except InvalidStatus as exc:
        if exc.response.status_code != 404:
            return _fault(engine, exc)
        return Finding("ok", "Rooms that do not exist stay closed (room.auto_create is off).")
    except _FAULTS as exc:
        return _fault(engine, exc)
    await _delete(engine, room)
    return Finding(
        "fail",
        f"The LiveKit at {engine.url} opens rooms for anybody with a token (room.auto_create is on), so that "
        "an old token would open a call again after its end.",
        "Set room.auto_create to false in LiveKit's configuration and restart it.",
        "auto_create",
    )


async def look_at_webhooks(engine: Engine, *, seconds: float = WEBHOOK_SECONDS) -> Finding:
    """Webhooks arrive at a running Callclock server, and that server reaches the engine.

    A room of `PROBE_PREFIX` is made here; the server deletes it as soon as the engine tells of it. So one
    look proves both directions, whatever lies between. Only meaningful while a server runs.
    """
    room = _new_room(PROBE_PREFIX)
    try:
        async with _client(engine) as client:
            request = api.CreateRoomRequest(name=room, empty_timeout=_ROOM_SECONDS)
            await client.room.create_room(request)
            if await _vanishes(client, room, seconds=seconds):
                return Finding("ok", "Webhooks arrive here, and rooms can be deleted from here.")
            await client.room.delete_room(api.DeleteRoomRequest(room=room))
    except _FAULTS as exc:
        return _fault(engine, exc)
    return Finding(
        "fail",
        f"No Callclock server acted on a webhook of the LiveKit at {engine.url} within {seconds:g} s.",
        "In LiveKit's configuration name this server's /v1/media/webhook in webhook.urls and its key in "
        "webhook.api_key, and see that LiveKit's machine reaches that address.",
    )


async def look_at_media(engine: Engine) -> Finding:
    """Sound and pictures get through: an ICE check against each address that the engine offers.

    Says what this machine can reach. A browser elsewhere has other firewalls before it. Of a cluster it
    looks at the node that got the probe's room.
    """
    room = _new_room()
    try:
        async with _client(engine) as client:
            await client.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=_ROOM_SECONDS))
        async with _joining(engine, room) as socket:
            offered = await describe_media(socket)
    except _FAULTS as exc:
        return _fault(engine, exc)
    finally:
        await _delete(engine, room)
    if not offered.addresses:
        return Finding("fail", "The engine offers no address for media.", "Check rtc.node_ip in LiveKit.")
    if offered.answering_udp:
        silent = sorted(set(offered.udp) - set(offered.answering_udp))
        text = f"UDP {', '.join(offered.answering_udp)} answers."
        return Finding("ok", text + (f" From here {', '.join(silent)} does not." if silent else ""))
    remedy = (
        "Open that UDP port in every firewall between browsers and the media engine, and see that the "
        "offered address is one that browsers reach (rtc.node_ip, or CALLCLOCK_MEDIA_ADDRESSES)."
    )
    tried = ", ".join(offered.udp) or "none offered"
    if offered.answering_tcp:
        text = f"UDP does not get through ({tried}); TCP {', '.join(offered.answering_tcp)} does, less well."
        return Finding("warn", text, remedy)
    return Finding("fail", f"Media does not get through: no answer from UDP {tried}.", remedy)


@asynccontextmanager
async def _client(engine: Engine) -> AsyncIterator[api.LiveKitAPI]:
    client = signing_client(
        url=engine.url, api_key=engine.api_key, api_secret=engine.api_secret, clock=engine.clock
    )
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def _joining(engine: Engine, room: str) -> AsyncIterator[ClientConnection]:
    """A signalling connection as LiveKit's clients make it; the token travels in a header, not in the URL."""
    headers = {"Authorization": f"Bearer {engine.token(room=room)}"}
    url = f"{as_websocket(engine.url)}/rtc?auto_subscribe=1&protocol=16"
    async with connect(
        url, additional_headers=headers, open_timeout=REQUEST_SECONDS, close_timeout=1, proxy=None
    ) as socket:
        yield socket


async def _vanishes(client: api.LiveKitAPI, room: str, *, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            request = api.ListRoomsRequest(names=[room])
            while (await client.room.list_rooms(request)).rooms:  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return False
    return True


async def _delete(engine: Engine, room: str) -> None:
    """Remove a probe's room; one that is gone, or an engine that is, has nothing to remove."""
    try:
        async with _client(engine) as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=room))
    except _FAULTS:
        return


def _new_room(prefix: str = "callclock-look-") -> str:
    return prefix + secrets.token_hex(8)


def _fault(engine: Engine, exc: Exception) -> Finding:
    status = exc.status if isinstance(exc, api.TwirpError) else 0
    if isinstance(exc, InvalidStatus):
        status = exc.response.status_code
    if status in (401, 403):
        return Finding(
            "fail",
            f"The LiveKit at {engine.url} refuses the key {engine.api_key!r}.",
            "Give LiveKit and CALLCLOCK_LIVEKIT_API_KEY and _SECRET the same key and secret, and let both "
            "machines keep time by NTP.",
            "refused",
        )
    if status and status < 500:
        return Finding(
            "fail",
            f"What is at {engine.url} does not speak LiveKit's protocol: it answered {status}.",
            "Check CALLCLOCK_LIVEKIT_URL.",
            "not_livekit",
        )
    reason = f"it answered {status}" if status else (str(exc) or type(exc).__name__).rstrip(".")
    return Finding(
        "fail",
        f"The LiveKit at {engine.url} cannot be used: {reason}.",
        "Check CALLCLOCK_LIVEKIT_URL (and CALLCLOCK_LIVEKIT_CONTROL_URL), and that LiveKit runs there.",
        "unreachable",
    )

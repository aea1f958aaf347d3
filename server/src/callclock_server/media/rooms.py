"""What the server asks of a media engine, and the client that asks it in LiveKit's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import aiohttp
import jwt
from livekit import api
from livekit.protocol import models, room

from callclock_server.timekeeping import Clock, SystemClock

_SOURCE_NUMBERS = {
    "camera": models.TrackSource.CAMERA,
    "microphone": models.TrackSource.MICROPHONE,
    "screen_share": models.TrackSource.SCREEN_SHARE,
    "screen_share_audio": models.TrackSource.SCREEN_SHARE_AUDIO,
}
# A room lives exactly as long as its session: the engine itself never closes one (design rule 5).
ROOM_TIMEOUT_SECONDS = 2 * 86_400
REQUEST_TIMEOUT_SECONDS = 2.0
REQUEST_TTL_SECONDS = 600


class MediaUnavailable(Exception):
    """The media engine did not answer, or not in a way that confirms the request."""


class MediaRefused(MediaUnavailable):
    """The media engine does not accept our key."""


class RoomControl(Protocol):
    """Rooms and the people in them. Every method may raise `MediaUnavailable`; all are idempotent."""

    async def ensure_room(self, name: str, *, metadata: str = "") -> None:
        """Create the room with this metadata unless it exists."""

    async def set_metadata(self, name: str, metadata: str) -> None:
        """Tell everybody in the room; a room that does not exist is a success."""

    async def delete_room(self, name: str) -> None:
        """Remove everybody and the room; a room that does not exist is a success."""

    async def remove_participant(self, name: str, *, identity: str) -> None:
        """Disconnect one identity; one that is not there is a success."""

    async def set_permissions(self, name: str, *, identity: str, sources: Sequence[str]) -> None:
        """Allow to publish exactly `sources` (`camera`, ...); an identity that is not there is a success."""

    async def list_participants(self, name: str) -> list[str] | None:
        """Identities that are connected now, or None when the room does not exist."""

    async def is_connected(self, name: str, *, identity: str) -> bool:
        """Whether an identity is really there: asked of the node that would have it, not of a list."""

    async def list_rooms(self) -> Mapping[str, int]:
        """All rooms of the engine, and how many people it counts in each. The count may be seconds old."""

    async def has_room(self, name: str) -> bool:
        """Whether a room exists: the cheapest request there is."""

    async def close(self) -> None:
        """Give back the connections."""


class LiveKitRooms:
    """`RoomControl` over Twirp, for the embedded room server and a LiveKit cluster alike."""

    def __init__(self, client: api.LiveKitAPI, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    @classmethod
    def open(cls, *, url: str, api_key: str, api_secret: str, clock: Clock | None = None) -> LiveKitRooms:
        """Connect lazily to the engine at `url` (http, https, ws or wss). Needs a running event loop.

        Requests are signed by `clock`; default: the machine's.
        """
        clock = clock or SystemClock()
        return cls(signing_client(url=url, api_key=api_key, api_secret=api_secret, clock=clock), clock)

    async def ensure_room(self, name: str, *, metadata: str = "") -> None:
        request = room.CreateRoomRequest(
            name=name,
            metadata=metadata,
            empty_timeout=ROOM_TIMEOUT_SECONDS,
            departure_timeout=ROOM_TIMEOUT_SECONDS,
        )
        async with _translated("create a room"):
            await self._client.room.create_room(request)

    async def set_metadata(self, name: str, metadata: str) -> None:
        request = room.UpdateRoomMetadataRequest(room=name, metadata=metadata)
        async with _translated("change a room's metadata", absent_is_fine=True):
            await self._client.room.update_room_metadata(request)

    async def delete_room(self, name: str) -> None:
        async with _translated("delete a room", absent_is_fine=True):
            await self._client.room.delete_room(room.DeleteRoomRequest(room=name))

    async def remove_participant(self, name: str, *, identity: str) -> None:
        # Older tokens of the identity are revoked with it, else the client would come straight back.
        revoked_at = int(self._clock.now().timestamp())
        request = room.RoomParticipantIdentity(room=name, identity=identity, revoke_token_ts=revoked_at)
        async with _translated("remove a participant", absent_is_fine=True):
            await self._client.room.remove_participant(request)

    async def set_permissions(self, name: str, *, identity: str, sources: Sequence[str]) -> None:
        request = room.UpdateParticipantRequest(room=name, identity=identity, permission=_permission(sources))
        async with _translated("change permissions", absent_is_fine=True):
            await self._client.room.update_participant(request)

    async def list_participants(self, name: str) -> list[str] | None:
        try:
            async with _translated("list participants"):
                answer = await self._client.room.list_participants(room.ListParticipantsRequest(room=name))
        except MediaUnavailable as exc:
            if _is_absent(exc.__cause__):
                return None
            raise
        gone = models.ParticipantInfo.State.DISCONNECTED
        return [info.identity for info in answer.participants if info.state != gone]

    async def is_connected(self, name: str, *, identity: str) -> bool:
        # Changes nothing, and is answered by the participant's own node alone. Of a node that was killed
        # LiveKit goes on listing the participants.
        request = room.UpdateSubscriptionsRequest(room=name, identity=identity)
        try:
            async with _translated("ask for a participant"):
                await self._client.room.update_subscriptions(request)
        except MediaUnavailable as exc:
            cause = exc.__cause__
            silent = isinstance(cause, TimeoutError) or (
                isinstance(cause, api.TwirpError)
                and cause.code in (api.TwirpErrorCode.NOT_FOUND, api.TwirpErrorCode.UNAVAILABLE)
            )
            if not silent:
                raise
            await self.has_room(name)  # the engine itself must answer, else nothing is known
            return False
        return True

    async def list_rooms(self) -> dict[str, int]:
        async with _translated("list rooms"):
            answer = await self._client.room.list_rooms(room.ListRoomsRequest())
        return {one.name: one.num_participants for one in answer.rooms}

    async def has_room(self, name: str) -> bool:
        async with _translated("look for a room"):
            answer = await self._client.room.list_rooms(room.ListRoomsRequest(names=[name]))
        return bool(answer.rooms)

    async def close(self) -> None:
        await self._client.aclose()


def signing_client(*, url: str, api_key: str, api_secret: str, clock: Clock) -> api.LiveKitAPI:
    """Return a client of the room API whose requests are signed by `clock`."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
    client = api.LiveKitAPI(url, api_key, api_secret, timeout=timeout, failover=False)
    # The library signs by the machine's clock, and the engine refuses what is signed in its future.
    client.room._auth_header = partial(_signed, api_key, api_secret, clock)
    return client


def signed_token(api_key: str, api_secret: str, clock: Clock, grants: api.VideoGrants, identity: str) -> str:
    """Return a token that is valid from now on, by `clock`, for a minute or so."""
    token = api.AccessToken(api_key, api_secret).with_grants(grants).with_identity(identity).to_jwt()
    claims = jwt.decode(token, options={"verify_signature": False})
    now = int(clock.now().timestamp())
    return jwt.encode({**claims, "nbf": now, "exp": now + REQUEST_TTL_SECONDS}, api_secret, algorithm="HS256")


def _signed(
    api_key: str, api_secret: str, clock: Clock, grants: api.VideoGrants, sip: None = None
) -> dict[str, str]:
    """Return the header that lets a request in."""
    return {"authorization": f"Bearer {signed_token(api_key, api_secret, clock, grants, identity='')}"}


def _permission(sources: Sequence[str]) -> models.ParticipantPermission:
    return models.ParticipantPermission(
        can_subscribe=True,
        can_publish=bool(sources),
        can_publish_data=bool(sources),
        can_publish_sources=[_SOURCE_NUMBERS[source] for source in sources],
    )


def _is_absent(exc: BaseException | None) -> bool:
    return isinstance(exc, api.TwirpError) and exc.code == api.TwirpErrorCode.NOT_FOUND


@asynccontextmanager
async def _translated(deed: str, *, absent_is_fine: bool = False) -> AsyncIterator[None]:
    """Turn the client's errors into `MediaUnavailable`, the only one that callers know."""
    try:
        yield
    except api.TwirpError as exc:
        if exc.status in (401, 403):
            raise MediaRefused(f"could not {deed}: the key is refused") from exc
        if not (absent_is_fine and _is_absent(exc)):
            raise MediaUnavailable(f"could not {deed}: {exc.code}: {exc.message}") from exc
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise MediaUnavailable(f"could not {deed}: {type(exc).__name__}") from exc

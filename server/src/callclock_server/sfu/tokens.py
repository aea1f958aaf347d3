"""Access tokens (HS256 JWT) and what they allow.

The claims are LiveKit's: `iss` the API key, `sub` the identity, `video` the grants. `Grants` is the
frozen reading of them; a permission change makes a new value, nothing is changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import jwt
from livekit.protocol import models

EXPIRY_LEEWAY_SECONDS = 10
NOT_BEFORE_LEEWAY_SECONDS = 60
REFRESHED_TTL_SECONDS = 600
"""Life of a token that the server hands to a connected client."""

_REFRESH_INTERVAL_SECONDS = 300
_SOURCES = {
    "camera": models.TrackSource.CAMERA,
    "microphone": models.TrackSource.MICROPHONE,
    "screen_share": models.TrackSource.SCREEN_SHARE,
    "screen_share_audio": models.TrackSource.SCREEN_SHARE_AUDIO,
}
_KINDS: dict[str, models.ParticipantInfo.Kind] = {
    name.lower(): cast("models.ParticipantInfo.Kind", number)
    for name, number in models.ParticipantInfo.Kind.items()
}


class TokenError(Exception):
    """The token is missing, forged, expired, not yet valid or of an unknown key."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Who the bearer is and what it may do. `expires_at` and `issued_at` are Unix seconds."""

    api_key: str
    identity: str
    expires_at: float
    issued_at: float = 0.0
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    kind: models.ParticipantInfo.Kind = models.ParticipantInfo.Kind.STANDARD
    room: str = ""
    room_join: bool = False
    room_admin: bool = False
    room_create: bool = False
    room_list: bool = False
    can_publish: bool = True
    can_publish_sources: tuple[models.TrackSource, ...] = ()
    can_subscribe: bool = True
    can_publish_data: bool = True
    can_update_metadata: bool = False
    hidden: bool = False
    recorder: bool = False

    def may_publish(self, source: models.TrackSource) -> bool:
        """Whether a track of this `TrackSource` may be published; a list of sources is exhaustive."""
        return self.can_publish and (not self.can_publish_sources or source in self.can_publish_sources)

    def may_administer(self, room: str) -> bool:
        """Whether the bearer may use the room API on `room`."""
        return self.room_admin and bool(room) and self.room == room

    def permission(self) -> models.ParticipantPermission:
        """The permissions as participants see them."""
        return models.ParticipantPermission(
            can_subscribe=self.can_subscribe,
            can_publish=self.can_publish,
            can_publish_data=self.can_publish_data,
            can_publish_sources=self.can_publish_sources,
            hidden=self.hidden,
            recorder=self.recorder,
            can_update_metadata=self.can_update_metadata,
        )

    def with_permission(self, permission: models.ParticipantPermission) -> Grants:
        """The same bearer with other permissions."""
        return replace(
            self,
            can_subscribe=permission.can_subscribe,
            can_publish=permission.can_publish,
            can_publish_data=permission.can_publish_data,
            can_publish_sources=tuple(permission.can_publish_sources),
            hidden=permission.hidden,
            recorder=permission.recorder,
            can_update_metadata=permission.can_update_metadata,
        )


def verify(token: str, *, api_keys: Mapping[str, str], now: float) -> Grants:
    """Read a token signed with one of `api_keys` (key to secret).

    Raises `TokenError` with a reason that may be shown to the bearer.
    """
    try:
        unverified = jwt.decode(token, options={"verify_signature": False})
        api_key = str(unverified.get("iss", ""))
        secret = api_keys.get(api_key)
        if not secret:
            raise TokenError("invalid API key")
        options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp"]}
        claims = jwt.decode(token, secret, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
    except jwt.PyJWTError as exc:
        raise TokenError(f"invalid authorization token: {exc}") from exc
    expires_at, not_before = _seconds(claims.get("exp")), _seconds(claims.get("nbf", 0))
    if expires_at is None or now > expires_at + EXPIRY_LEEWAY_SECONDS:
        raise TokenError("invalid authorization token: token is expired")
    if not_before is None or now < not_before - NOT_BEFORE_LEEWAY_SECONDS:
        raise TokenError("invalid authorization token: token is not valid yet")
    return _grants(claims, api_key=api_key, expires_at=expires_at, issued_at=not_before)


def refreshed(grants: Grants, *, secret: str, now: float) -> str:
    """A new token with the present grants, valid at least as long as the old one."""
    expires_at = int(max(grants.expires_at, now + REFRESHED_TTL_SECONDS))
    claims: dict[str, Any] = {
        "iss": grants.api_key,
        "sub": grants.identity,
        "nbf": int(now),
        "exp": expires_at,
        "name": grants.name,
        "metadata": grants.metadata,
        "attributes": dict(grants.attributes),
        "kind": models.ParticipantInfo.Kind.Name(grants.kind).lower(),
        "video": _video_claims(grants),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def refresh_due_at(grants: Grants, *, now: float) -> float:
    """When a client that holds this token should get the next one (Unix seconds)."""
    left = grants.expires_at - now
    return now + max(1.0, min(_REFRESH_INTERVAL_SECONDS, left / 2))


def _grants(claims: Mapping[str, Any], *, api_key: str, expires_at: float, issued_at: float) -> Grants:
    video = claims.get("video")
    video = {_snake(str(key)): value for key, value in video.items()} if isinstance(video, dict) else {}
    attributes = claims.get("attributes")
    can_publish = _flag(video, "can_publish", default=True)
    sources = video.get("can_publish_sources")
    allowed = tuple(_SOURCES[name] for name in sources or () if name in _SOURCES)
    if sources and not allowed:
        can_publish = False
    return Grants(
        api_key=api_key,
        identity=str(claims.get("sub") or ""),
        expires_at=expires_at,
        issued_at=issued_at,
        name=str(claims.get("name") or ""),
        metadata=str(claims.get("metadata") or ""),
        attributes={str(k): str(v) for k, v in attributes.items()} if isinstance(attributes, dict) else {},
        kind=_KINDS.get(str(claims.get("kind") or "standard"), models.ParticipantInfo.Kind.STANDARD),
        room=str(video.get("room") or ""),
        room_join=_flag(video, "room_join"),
        room_admin=_flag(video, "room_admin"),
        room_create=_flag(video, "room_create"),
        room_list=_flag(video, "room_list"),
        can_publish=can_publish,
        can_publish_sources=allowed,
        can_subscribe=_flag(video, "can_subscribe", default=True),
        can_publish_data=_flag(video, "can_publish_data", default=can_publish),
        can_update_metadata=_flag(video, "can_update_own_metadata"),
        hidden=_flag(video, "hidden"),
        recorder=_flag(video, "recorder"),
    )


def _video_claims(grants: Grants) -> dict[str, Any]:
    names = {number: name for name, number in _SOURCES.items()}
    video: dict[str, Any] = {
        "room": grants.room,
        "roomJoin": grants.room_join,
        "roomAdmin": grants.room_admin,
        "roomCreate": grants.room_create,
        "roomList": grants.room_list,
        "canPublish": grants.can_publish,
        "canSubscribe": grants.can_subscribe,
        "canPublishData": grants.can_publish_data,
        "canUpdateOwnMetadata": grants.can_update_metadata,
        "hidden": grants.hidden,
        "recorder": grants.recorder,
    }
    if grants.can_publish_sources:
        video["canPublishSources"] = [
            names[source] for source in grants.can_publish_sources if source in names
        ]
    return video


def _flag(video: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = video.get(name)
    return default if value is None else value is True


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

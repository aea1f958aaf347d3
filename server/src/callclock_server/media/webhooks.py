"""Webhooks of the media engine: verified, and reduced to what presence needs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from google.protobuf.json_format import Parse, ParseError
from livekit.protocol import webhook

MAX_BODY_BYTES = 256 * 1024
LEEWAY_SECONDS = 60
_JOINED = frozenset({"participant_joined"})
_LEFT = frozenset({"participant_left", "participant_connection_aborted"})

# The library would ask the machine's clock; times are compared by ours.
_UNTIMED: Any = {"require": ["exp", "iss"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}


class WebhookRejected(Exception):
    """The request does not come from our media engine, or is damaged."""


@dataclass(frozen=True, slots=True)
class RoomStarted:
    """A room exists; one that no running session owns has to go again."""

    room: str


@dataclass(frozen=True, slots=True)
class MediaJoined:
    """An identity is connected to a room."""

    room: str
    identity: str
    participant_sid: str


@dataclass(frozen=True, slots=True)
class MediaLeft:
    """A connection of an identity is gone from a room."""

    room: str
    identity: str
    participant_sid: str


Notice = RoomStarted | MediaJoined | MediaLeft


def is_signed_with(authorization: str, api_key: str, api_secret: str) -> bool:
    """Whether a delivery's Authorization header is signed with this key, whatever its age and body."""
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        jwt.decode(
            authorization.removeprefix("Bearer "),
            api_secret,
            algorithms=["HS256"],
            issuer=api_key,
            options=options,
        )
    except jwt.PyJWTError:
        return False
    return True


def read_webhook(
    body: bytes, *, authorization: str, api_key: str, api_secret: str, now: datetime
) -> Notice | None:
    """Verify a delivery and return its notice, or None for an event that presence does not need.

    The Authorization header is a JWT signed with the engine's secret whose claim `sha256` is the
    Base64 of the body's SHA-256 (LiveKit's webhook format). Raises `WebhookRejected`.
    """
    token = authorization.removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token,
            api_secret,
            algorithms=["HS256"],
            issuer=api_key,
            # Times are compared below: the library would ask the machine's clock.
            options={
                "require": ["exp", "iss"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        earliest, latest = float(claims.get("nbf", 0)), float(claims["exp"])
    except (jwt.PyJWTError, TypeError, ValueError) as exc:
        raise WebhookRejected("the signature is not ours") from exc
    if not earliest - LEEWAY_SECONDS <= now.timestamp() < latest + LEEWAY_SECONDS:
        raise WebhookRejected("the signature is of another time")
    expected = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if not hmac.compare_digest(str(claims.get("sha256", "")).encode(), expected.encode()):
        raise WebhookRejected("the body is not the signed one")
    try:
        event = Parse(body, webhook.WebhookEvent(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError) as exc:
        raise WebhookRejected("the body is not a webhook event") from exc
    return _notice(event)


def _notice(event: webhook.WebhookEvent) -> Notice | None:
    room = event.room.name
    identity, sid = event.participant.identity, event.participant.sid
    if event.event == "room_started":
        return RoomStarted(room)
    if event.event in _JOINED:
        return MediaJoined(room, identity, sid)
    if event.event in _LEFT:
        return MediaLeft(room, identity, sid)
    return None

"""Tokens with which a browser enters a media room."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

DEFAULT_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class MediaToken:
    """A signed token and the instant after which it opens nothing."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenMint:
    """Signs media tokens with the engine's key, as LiveKit's token grants define them."""

    api_key: str
    api_secret: str
    ttl: timedelta = DEFAULT_TTL

    def mint(
        self,
        *,
        room: str,
        identity: str,
        name: str,
        attributes: Mapping[str, str],
        sources: Sequence[str],
        now: datetime,
    ) -> MediaToken:
        """Return a token for `room` that allows to publish exactly `sources`."""
        expires_at = now + self.ttl
        grants: dict[str, Any] = {
            "roomJoin": True,
            "room": room,
            "canSubscribe": True,
            "canPublish": bool(sources),
            "canPublishData": bool(sources),
        }
        if sources:  # an empty list would mean "any source" to LiveKit
            grants["canPublishSources"] = list(sources)
        claims = {
            "iss": self.api_key,
            "sub": identity,
            "nbf": calendar.timegm(now.utctimetuple()),
            "exp": calendar.timegm(expires_at.utctimetuple()),
            "name": name,
            "attributes": dict(attributes),
            "video": grants,
        }
        return MediaToken(jwt.encode(claims, self.api_secret, algorithm="HS256"), expires_at)

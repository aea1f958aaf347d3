"""How a participant gets into a room: the address, the token, and the room itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callclock_server.media.rooms import RoomControl
from callclock_server.media.tokens import TokenMint


@dataclass(frozen=True, slots=True)
class MediaAccess:
    """Hands out the way into media rooms. `public_url` None means: the host that the browser used."""

    rooms: RoomControl
    mint: TokenMint
    public_url: str | None

    def grant(
        self,
        *,
        room: str,
        identity: str,
        user_id: str,
        user_name: str,
        role: str,
        participant_id: str,
        sources: list[str],
        request_origin: str,
        now: datetime,
    ) -> dict[str, Any]:
        """Return `{url, token, room, expires_at}`; `request_origin` is `http(s)://host` of the request."""
        token = self.mint.mint(
            room=room,
            identity=identity,
            name=user_name,
            attributes={"user_id": user_id, "role": role, "participant_id": participant_id},
            sources=sources,
            now=now,
        )
        return {
            "url": as_websocket(self.public_url or request_origin),
            "token": token.token,
            "room": room,
            "expires_at": token.expires_at,
        }


def as_websocket(url: str) -> str:
    """The URL with the scheme ws or wss, as LiveKit's clients want it."""
    scheme, _, rest = url.partition("://")
    return f"{'wss' if scheme in {'https', 'wss'} else 'ws'}://{rest}"

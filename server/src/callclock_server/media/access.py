"""How a participant gets into a room: the address, the token, and the room itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callclock_server.media.clusters import Clusters
from callclock_server.media.urls import as_websocket


@dataclass(frozen=True, slots=True)
class MediaAccess:
    """Hands out the way into media rooms."""

    clusters: Clusters

    def grant(
        self,
        *,
        cluster: str | None,
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
        where = self.clusters.of(cluster)
        token = where.mint.mint(
            room=room,
            identity=identity,
            name=user_name,
            attributes={"user_id": user_id, "role": role, "participant_id": participant_id},
            sources=sources,
            now=now,
        )
        return {
            "url": as_websocket(where.url or request_origin),
            "token": token.token,
            "room": room,
            "expires_at": token.expires_at,
        }

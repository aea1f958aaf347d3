"""Who acts, and what that allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import errors


@dataclass(frozen=True, slots=True)
class Actor:
    """The subject of a request: a user, or whoever holds a server token.

    `call_cids` limits a user token to some calls; None means no such limit.
    """

    user_id: str | None
    server: bool = False
    call_cids: frozenset[str] | None = None
    api_key: str = ""

    def require_server(self) -> None:
        """Refuse everybody but holders of a server token."""
        if not self.server:
            raise errors.ServerTokenRequired

    def require_call(self, cid: str) -> None:
        """Refuse a token that was made for other calls."""
        if self.call_cids is not None and cid not in self.call_cids:
            raise errors.TokenNotForCall


SERVER = Actor(user_id=None, server=True)


def require(capabilities: frozenset[str], capability: str) -> None:
    """Refuse a caller who lacks `capability`."""
    if capability not in capabilities:
        raise errors.MissingCapability(capability)


def publish_sources(capabilities: frozenset[str], settings: Mapping[str, Any]) -> list[str]:
    """Return the media sources that may be sent: `microphone`, `camera`, `screen_share`,
    `screen_share_audio`.

    A source needs its capability, and the call's settings must not have switched it off.
    """
    sources: list[str] = []
    if "send-audio" in capabilities:
        sources.append("microphone")
    if "send-video" in capabilities and settings["video"]["enabled"]:
        sources.append("camera")
    if "screenshare" in capabilities and settings["screensharing"]["enabled"]:
        sources += ["screen_share", "screen_share_audio"]
    return sources

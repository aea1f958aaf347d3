"""What a media token allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from callclock_server.media.tokens import TokenMint
from callclock_server.media.urls import as_websocket

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINT = TokenMint("key", "s" * 32)


def claims(*sources: str) -> dict[str, Any]:
    made = MINT.mint(
        room="ses_1",
        identity="bill:tab",
        name="Bill",
        attributes={"role": "patient"},
        sources=sources,
        now=NOW,
    )
    read: dict[str, Any] = jwt.decode(
        made.token, "s" * 32, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}
    )
    return read


def test_a_token_opens_one_room_for_ten_minutes() -> None:
    made = claims("microphone")
    assert (made["iss"], made["sub"], made["name"]) == ("key", "bill:tab", "Bill")
    assert made["exp"] == int((NOW + timedelta(minutes=10)).timestamp())
    assert made["video"]["room"] == "ses_1"
    assert made["attributes"] == {"role": "patient"}


def test_only_the_named_sources_may_be_published() -> None:
    video = claims("microphone", "camera")["video"]
    assert (video["canPublish"], video["canPublishSources"]) == (True, ["microphone", "camera"])


def test_without_a_source_nothing_may_be_published() -> None:
    video = claims()["video"]
    assert video["canPublish"] is False
    assert "canPublishSources" not in video  # an empty list would mean any source


def test_browsers_get_a_websocket_address() -> None:
    assert as_websocket("https://call.example") == "wss://call.example"
    assert as_websocket("http://127.0.0.1:8000") == "ws://127.0.0.1:8000"
    assert as_websocket("wss://media.example") == "wss://media.example"

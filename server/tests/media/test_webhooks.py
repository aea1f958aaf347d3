"""Webhooks of the media engine are believed only with its signature."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from callclock_server.media.webhooks import (
    MediaJoined,
    MediaLeft,
    Notice,
    RoomStarted,
    WebhookRejected,
    read_webhook,
)

SECRET = "s" * 32


def sign(body: bytes, *, secret: str = SECRET, issuer: str = "key", lasts: float = 60) -> str:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return jwt.encode(
        {"iss": issuer, "exp": time.time() + lasts, "sha256": digest}, secret, algorithm="HS256"
    )


def event(name: str) -> bytes:
    told: dict[str, Any] = {"event": name, "room": {"name": "ses_1"}, "unknownField": 1}
    if name.startswith("participant"):
        told["participant"] = {"identity": "bill:tab", "sid": "PA_1"}
    return json.dumps(told).encode()


def read(body: bytes, authorization: str) -> Notice | None:
    return read_webhook(
        body, authorization=authorization, api_key="key", api_secret=SECRET, now=datetime.now(UTC)
    )


@pytest.mark.parametrize(
    ("name", "notice"),
    [
        ("room_started", RoomStarted("ses_1")),
        ("participant_joined", MediaJoined("ses_1", "bill:tab", "PA_1")),
        ("participant_left", MediaLeft("ses_1", "bill:tab", "PA_1")),
        ("participant_connection_aborted", MediaLeft("ses_1", "bill:tab", "PA_1")),
        ("track_published", None),
    ],
)
def test_an_event_becomes_what_presence_needs(name: str, notice: Notice | None) -> None:
    assert read(event(name), sign(event(name))) == notice


BODY = event("participant_left")
FORGED = {
    "without a signature": (BODY, ""),
    "with garbage": (BODY, "garbage"),
    "of another secret": (BODY, sign(BODY, secret="o" * 32)),
    "of another key": (BODY, sign(BODY, issuer="other")),
    "expired": (BODY, sign(BODY, lasts=-3600)),
    "with another body": (event("participant_joined"), sign(BODY)),
    "that is no event": (b"nonsense", sign(b"nonsense")),
    "that is no text": (b"\xff", sign(b"\xff")),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_delivery_is_rejected(name: str) -> None:
    body, authorization = FORGED[name]
    with pytest.raises(WebhookRejected):
        read(body, authorization)

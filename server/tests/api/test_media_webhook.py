"""Only the media engine may tell who is in a room."""

from __future__ import annotations

import base64
import hashlib
import json
import time

import httpx
import jwt
from callclock_server.settings import Settings

from .world import World

PATH = "/v1/media/webhook"


def deliver(
    world: World, event: str, room: str, identity: str, *, secret: str | None = None
) -> httpx.Response:
    key, ours = Settings(keys={world.server.api_key: world.server.secret}).embedded_credentials
    told = {"event": event, "room": {"name": room}, "participant": {"identity": identity, "sid": "PA_1"}}
    body = json.dumps(told).encode()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": key, "exp": time.time() + 60, "sha256": digest}
    headers = {
        "Authorization": jwt.encode(claims, secret or ours, algorithm="HS256"),
        "Content-Type": "application/webhook+json",
    }
    return world.backend.post(PATH, content=body, headers=headers)


def joined(world: World) -> tuple[str, str, str]:
    """A call, its room and the identity of somebody on the way there."""
    call_type = world.call_type(
        {"user": ["join-call", "send-audio"]}, settings={"media": {"engine": "livekit"}}
    )
    user = world.user()
    path = world.call(call_type, user)
    body = world.must(world.client(user).post(f"{path}/join", json={"device_id": "tab"}))
    return path, body["media"]["room"], f"{user}:tab"


def present(world: World, path: str) -> int:
    return len(world.must(world.backend.get(path))["call"]["session"]["participants"])


def test_an_arrival_and_a_departure_are_believed(world: World) -> None:
    path, room, identity = joined(world)
    assert present(world, path) == 0
    assert deliver(world, "participant_joined", room, identity).status_code == 204
    assert present(world, path) == 1
    assert deliver(world, "participant_left", room, identity).status_code == 204
    assert present(world, path) == 0


def test_a_forged_arrival_is_refused(world: World) -> None:
    path, room, identity = joined(world)
    refused = deliver(
        world, "participant_joined", room, identity, secret="a-secret-that-somebody-has-guessed"
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
    assert present(world, path) == 0


def test_a_user_token_is_no_signature(world: World) -> None:
    headers = {
        "Authorization": f"Bearer {world.server.server_token()}",
        "Content-Type": "application/webhook+json",
    }
    assert world.backend.post(PATH, content=b"{}", headers=headers).status_code == 401


def test_rooms_of_others_are_none_of_our_business(world: World) -> None:
    assert deliver(world, "participant_joined", "somebody-elses", "x:y").status_code == 204

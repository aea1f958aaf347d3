"""Access tokens: what is believed, and what the grants allow."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from callclock_server.sfu.tokens import Grants, TokenError, refresh_due_at, refreshed, verify
from livekit import api
from livekit.protocol.models import ParticipantPermission, TrackSource

from .running import KEY, SECRET, token

KEYS = {"other": "x" * 40, KEY: SECRET}


def read(text: str, *, after_seconds: float = 0) -> Grants:
    return verify(text, api_keys=KEYS, now=time.time() + after_seconds)


def made(**claims: Any) -> str:
    whole = {"iss": KEY, "sub": "ann", "exp": time.time() + 60, "video": {"roomJoin": True, "room": "r"}}
    return jwt.encode({**whole, **claims}, SECRET, algorithm="HS256")


def test_token_of_livekit_api_is_read_whole() -> None:
    text = (
        api.AccessToken(KEY, SECRET)
        .with_identity("ann")
        .with_name("Ann")
        .with_metadata("m")
        .with_attributes({"role": "host"})
        .with_grants(
            api.VideoGrants(
                room_join=True, room="r", can_publish_sources=["camera", "screen_share"], hidden=True
            )
        )
        .with_ttl(timedelta(seconds=60))
        .to_jwt()
    )
    grants = read(text)
    assert (grants.identity, grants.name, grants.metadata) == ("ann", "Ann", "m")
    assert (grants.room, grants.room_join, grants.hidden) == ("r", True, True)
    assert grants.attributes == {"role": "host"}
    assert grants.can_publish_sources == (TrackSource.CAMERA, TrackSource.SCREEN_SHARE)


def test_absent_grants_have_livekits_defaults() -> None:
    grants = read(made())
    assert grants.can_publish
    assert grants.can_subscribe
    assert grants.can_publish_data
    refused = (grants.room_admin, grants.room_create, grants.room_list, grants.can_update_metadata)
    assert refused == (False, False, False, False)


def test_data_follows_publishing_where_it_is_not_named() -> None:
    assert not read(made(video={"canPublish": False})).can_publish_data
    assert read(made(video={"canPublish": False, "canPublishData": True})).can_publish_data


@pytest.mark.parametrize("wrong", ["yes", 1, "true", {}])
def test_only_true_is_true(wrong: object) -> None:
    grants = read(made(video={"roomAdmin": wrong, "roomJoin": wrong, "canPublish": wrong, "room": "r"}))
    assert (grants.room_admin, grants.room_join, grants.can_publish) == (False, False, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        token("ann", secret="x" * 40),
        token("ann", key="unknown"),
        made(exp=time.time() - 60),
        made(nbf=time.time() + 600),
        made(exp="soon"),
        made(nbf="later"),
        jwt.encode({"iss": KEY, "sub": "ann"}, SECRET, algorithm="HS256"),
        jwt.encode({"iss": KEY, "sub": "ann", "exp": time.time() + 60}, None, algorithm="none"),
        jwt.encode({"iss": KEY, "sub": "a", "exp": time.time() + 60}, "x" * 40, algorithm="HS256"),
    ],
)
def test_token_is_not_believed(text: str) -> None:
    with pytest.raises(TokenError):
        read(text)


def test_token_ends_on_time() -> None:
    text = token("ann", ttl_seconds=100)
    assert read(text, after_seconds=95)
    with pytest.raises(TokenError, match="expired"):
        read(text, after_seconds=115)


def test_list_of_sources_is_exhaustive() -> None:
    grants = read(made(video={"canPublishSources": ["camera"]}))
    allowed = [source for source in range(5) if grants.may_publish(source)]
    assert allowed == [TrackSource.CAMERA]
    assert not any(read(made(video={"canPublish": False})).may_publish(source) for source in range(5))
    unknown = read(made(video={"canPublishSources": ["hologram"]}))
    assert not any(unknown.may_publish(source) for source in range(5))


def test_administration_is_of_the_named_room_only() -> None:
    grants = read(made(video={"roomAdmin": True, "room": "r"}))
    assert grants.may_administer("r")
    assert not grants.may_administer("s")
    assert not read(made(video={"roomAdmin": True})).may_administer("")


def test_permission_replaces_what_may_be_done_and_keeps_who_it_is() -> None:
    changed = read(made()).with_permission(
        ParticipantPermission(can_publish=True, can_publish_sources=[TrackSource.MICROPHONE])
    )
    assert changed.identity == "ann"
    assert changed.may_publish(TrackSource.MICROPHONE)
    assert not changed.may_publish(TrackSource.CAMERA)
    assert not changed.can_subscribe
    assert changed.permission().can_publish_sources == [TrackSource.MICROPHONE]


def test_renewed_token_carries_the_present_grants_and_lives_on() -> None:
    grants = read(token("ann", ttl_seconds=30, can_publish_sources=["camera"], hidden=True))
    renewed = read(refreshed(grants, secret=SECRET, now=time.time()))
    assert renewed.can_publish_sources == grants.can_publish_sources
    assert (renewed.identity, renewed.room, renewed.hidden) == ("ann", "room", True)
    assert renewed.expires_at > grants.expires_at + 500


@pytest.mark.parametrize(("left", "due_in"), [(600, 300), (6000, 300), (100, 50), (1, 1), (-5, 1)])
def test_token_is_renewed_before_it_ends(left: float, due_in: float) -> None:
    grants = Grants(api_key="k", identity="ann", expires_at=1000 + left)
    assert refresh_due_at(grants, now=1000) == 1000 + due_in

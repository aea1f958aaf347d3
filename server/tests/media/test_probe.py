"""What `callclock doctor` finds out about a media engine, on the embedded one and on a real LiveKit."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from callclock_server.media import probe
from callclock_server.media.probe import Engine, Finding
from callclock_server.settings import Settings
from callclock_server.testing import API_KEY, SECRET, running_server
from callclock_server.testing.livekit import API_KEY as LIVEKIT_KEY
from callclock_server.testing.livekit import LiveKit, demand_livekit


@pytest.fixture(scope="module", params=["embedded", "livekit"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A media engine with a running server that gets its webhooks."""
    if request.param == "embedded":
        with running_server() as server:
            key, secret = Settings(keys={API_KEY: SECRET}).embedded_credentials
            yield Engine(server.url, key, secret)
        return
    demand_livekit()
    livekit = LiveKit(tmp_path_factory.mktemp("livekit"))
    with running_server(**livekit.settings) as server:
        livekit.webhooks = [f"{server.url}/v1/media/webhook"]
        with livekit:
            yield Engine(livekit.url, LIVEKIT_KEY, livekit.api_secret)


@pytest.fixture
def nobody() -> Iterator[Engine]:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        yield Engine(f"ws://127.0.0.1:{silent.getsockname()[1]}", "key", "s" * 32)


async def test_a_good_engine_is_good_in_every_respect(engine: Engine) -> None:
    findings = [
        await probe.look_at_key(engine),
        await probe.look_at_auto_create(engine),
        await probe.look_at_webhooks(engine),
        await probe.look_at_media(engine),
    ]
    assert [finding.level for finding in findings] == ["ok"] * 4, findings
    assert "UDP 127.0.0.1:" in findings[3].text


async def test_a_refused_key_is_told_from_an_engine_that_is_away(engine: Engine, nobody: Engine) -> None:
    refused = Engine(engine.url, engine.api_key, "another-secret-of-at-least-32-characters")
    unknown = Engine(engine.url, "another-key", engine.api_secret)
    for one, cause in ((refused, "refused"), (unknown, "refused"), (nobody, "unreachable")):
        for look in (
            probe.look_at_key,
            probe.look_at_auto_create,
            probe.look_at_webhooks,
            probe.look_at_media,
        ):
            finding = await look(one)
            assert (finding.level, finding.cause) == ("fail", cause), finding
            assert finding.remedy
            assert one.api_secret not in f"{finding}"


async def test_something_else_is_not_taken_for_a_livekit(engine: Engine) -> None:
    finding = await probe.look_at_key(Engine(f"{engine.url}/elsewhere", engine.api_key, engine.api_secret))
    assert finding.cause == "not_livekit"


async def test_an_engine_that_opens_any_room_and_tells_nobody_is_found_out(tmp_path: Path) -> None:
    demand_livekit()
    with LiveKit(tmp_path, auto_create=True) as livekit:
        engine = Engine(livekit.url, LIVEKIT_KEY, livekit.api_secret)
        open_door: Finding = await probe.look_at_auto_create(engine)
        assert (open_door.level, open_door.cause) == ("fail", "auto_create")
        assert "room.auto_create" in open_door.remedy
        silent = await probe.look_at_webhooks(engine, seconds=0.3)
        assert silent.level == "fail"
        assert "webhook.urls" in silent.remedy

"""The asynchronous SDK against the real application, without a socket in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from callclock import AsyncStreamClient, Conflict, VideoOwnCapability

pytest.importorskip("callclock_server.app", reason="the server is not installed")

from callclock_server.app import create_app
from callclock_server.settings import Settings
from callclock_server.timekeeping import FakeClock

SECRET = "a secret of the tests, long enough to sign with"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client(tmp_path, clock) -> AsyncIterator[AsyncStreamClient]:
    settings = Settings(
        keys={"key": SECRET}, data_dir=tmp_path, media_host="127.0.0.1", media_addresses=("127.0.0.1",)
    )
    app = create_app(settings, clock=clock)
    async with (
        app.router.lifespan_context(app),
        AsyncStreamClient("key", SECRET, transport=httpx.ASGITransport(app=app)) as client,
    ):
        yield client


async def test_appointment_is_made_joined_extended_and_ended(client) -> None:
    await client.create_role("specialist")
    await client.upsert_users({"dr-lecter": {"role": "specialist"}})
    await client.video.create_call_type(
        "visit",
        grants={"specialist": [VideoOwnCapability.JOIN_CALL]},
        settings={"limits": {"max_duration_seconds": 3600}, "media": {"engine": "none"}},
    )
    call = client.video.call("visit", "one")
    await call.create(data={"created_by_id": "dr-lecter", "members": [{"user_id": "dr-lecter"}]})
    session = (await call.join(user_id="dr-lecter")).call.session
    extended = await call.extend(1800, reason="more to discuss")
    assert extended.call.session.timer_ends_at == session.started_at + timedelta(seconds=5400)
    assert (await call.end()).ended_reason == "ended_by_user"
    assert [row.seconds for row in await call.ledger(session.id)] == [3600, 1800]


async def test_client_whose_clock_is_slow_finds_the_time_of_the_server(client, clock) -> None:
    clock.move_to(clock.now() + timedelta(days=3650))
    assert "user" in {role.name for role in await client.list_roles()}


async def test_refusal_carries_the_code_of_the_server(client) -> None:
    with pytest.raises(Conflict) as caught:
        await client.delete_role("user")
    assert caught.value.code == "built-in"
    assert caught.value.request_id

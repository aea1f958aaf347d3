"""The test clock over HTTP: an hour in milliseconds, in order, and nothing left to be done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from callclock_server.api.schemas import answers
from callclock_server.app import create_app
from callclock_server.media.rooms import RoomControl
from callclock_server.settings import Settings, SettingsError
from callclock_server.storage import tables
from callclock_server.testing import RunningServer, running_server
from callclock_server.timekeeping import FakeClock

from .test_answers import fits
from .world import Appointment, World

KEYS = {"key": "a-secret-of-32-characters-or-more"}
LIVEKIT = {"livekit_api_key": "k", "livekit_api_secret": "s" * 32}


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def server(clock: FakeClock) -> Iterator[RunningServer]:
    with running_server(test_clock=clock) as running:
        yield running


def advance(world: World, seconds: float, **headers: str) -> str:
    answer = world.backend.post("/v1/test_clock/advance", json={"seconds": seconds}, headers=headers)
    return str(fits(answer, answers.TestClockAnswer)["test_clock"]["now"])


def now(world: World) -> str:
    return str(fits(world.backend.get("/v1/test_clock"), answers.TestClockAnswer)["test_clock"]["now"])


def call_of(visit: Appointment) -> dict[str, Any]:
    call: dict[str, Any] = visit.state()["call"]
    return call


@pytest.mark.punctual
def test_an_hour_passes_in_under_a_second_with_each_thing_at_its_time(world: World, clock: FakeClock) -> None:
    visit = world.appointment(warning_seconds=[300, 60])
    started, began = clock.now(), time.monotonic()
    session = visit.join(visit.doctor)["call"]["session"]["id"]
    advance(world, 58 * 60)
    visit.doctor.post(f"{visit.path}/extend", json={"seconds": 600})
    advance(world, 3600)
    spent = time.monotonic() - began
    ended = call_of(visit)
    assert ended["ended_reason"] == "max_duration_reached"
    assert ended["ended_at"] == (started + timedelta(minutes=70)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record = world.must(visit.doctor.get(f"{visit.path}/sessions/{session}/record"))["record"]
    assert record["wall_seconds"] == 70 * 60
    assert spent < 1.0
    events = told_of(visit)
    assert minutes_of(events, "call.session_timer_warning", started) == [55, 65, 69]
    assert minutes_of(events, "call.session_ended", started) == [70]
    assert [kind for _, kind in events][-2:] == ["call.ended", "call.session_ended"]


def minutes_of(events: list[tuple[datetime, str]], kind: str, started: datetime) -> list[float]:
    return [(at - started).total_seconds() / 60 for at, each in events if each == kind]


def told_of(visit: Appointment) -> list[tuple[datetime, str]]:
    """When each event of a call happened, and its kind, as the log has them."""
    columns = tables.events.c
    server = visit.world.server

    async def read() -> list[tuple[datetime, str]]:
        assert server.app is not None
        async with server.app.state.edge.transactions.database.read() as tx:
            query = tables.events.select().where(columns.cid == visit.cid).order_by(columns.id)
            return [(row.created_at, row.type) for row in await tx.all(query)]

    return asyncio.run(server.call(read()))


def test_effects_are_done_when_the_answer_comes(world: World) -> None:
    """A join that never reaches the media room is undone after 30 s, and its room is gone."""
    call_type = world.call_type({"user": ["join-call"]}, settings={"media": {"engine": "livekit"}})
    user = world.user()
    path = world.call(call_type, user)
    room = world.must(world.client(user).post(f"{path}/join", json={}))["media"]["room"]
    assert room in rooms_of(world.server)
    advance(world, 31)
    session = world.must(world.backend.get(f"{path}/sessions/{room}"))["session"]
    assert session["ended_reason"] == "never_connected"
    assert room not in rooms_of(world.server)


def rooms_of(server: RunningServer) -> list[str]:
    async def read() -> list[str]:
        assert server.app is not None
        edge = server.app.state.edge
        rooms: RoomControl = edge.media.clusters.of(None).rooms
        return await rooms.list_rooms()

    return asyncio.run(server.call(read()))


def test_the_clock_stands_still_between_two_advances(world: World) -> None:
    before = now(world)
    assert now(world) == before
    assert world.must(world.backend.get("/healthz"))["server_time"] == before


def test_a_repeated_key_moves_nothing(world: World) -> None:
    key = {"Idempotency-Key": world.name("key")}
    first = advance(world, 60, **key)
    advance(world, 5)
    assert advance(world, 60, **key) == first
    other = world.backend.post("/v1/test_clock/advance", json={"seconds": 61}, headers=key)
    assert other.json()["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("seconds", [-1, 366 * 86_400 + 1, "60", True, None])
def test_a_time_that_cannot_be_gone_to_is_refused(world: World, seconds: Any) -> None:
    before = now(world)
    answer = world.backend.post("/v1/test_clock/advance", json={"seconds": seconds})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "seconds")
    assert now(world) == before


def test_tokens_are_judged_by_the_time_of_the_machine(world: World) -> None:
    visit = world.appointment()
    media = world.call_type({"user": ["join-call"]}, settings={"media": {"engine": "livekit"}})
    path = world.call(media, user := world.user())
    advance(world, 86_400)
    assert visit.doctor.get(visit.path).is_success
    assert world.client(visit.doctor_id, ttl_seconds=-60).get(visit.path).json()["code"] == "token-expired"
    token_until = world.must(world.client(user).post(f"{path}/join", json={}))["media"]["expires_at"]
    assert datetime.fromisoformat(token_until) > datetime.now(UTC)


def test_time_never_goes_back_behind_what_the_database_knows(tmp_path: Path) -> None:
    with running_server(data_dir=tmp_path, test_clock=FakeClock()) as first:
        world = World(first)
        advance(world, 7200)
        world.appointment()
        reached = now(world)
        world.close()
    with running_server(data_dir=tmp_path, test_clock=FakeClock()) as second:
        world = World(second)
        assert now(world) == reached
        world.close()


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"database_url": "postgresql://db/callclock"}, "CALLCLOCK_DATABASE_URL"),
        ({"redis_url": "redis://127.0.0.1"}, "CALLCLOCK_REDIS_URL"),
        ({"livekit_url": "ws://127.0.0.1:7880", **LIVEKIT}, "CALLCLOCK_LIVEKIT_URL"),
        ({"host": "10.0.0.7"}, "CALLCLOCK_HOST"),
        ({"host": ""}, "CALLCLOCK_HOST"),
        ({"public_url": "https://calls.example.org"}, "CALLCLOCK_PUBLIC_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_test_clock_is_refused_in_production(setting: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        create_app(Settings(keys=KEYS, **setting), test_clock=FakeClock())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_test_clock_may_run_on_this_machine(host: str) -> None:
    settings = Settings(keys=KEYS, host=host, public_url="http://localhost:8000", database_url="sqlite:///x")
    assert settings.production_sign is None


def test_the_rules_of_paid_time_hold_on_the_way(world: World, clock: FakeClock) -> None:
    """A pause by hand, overtime that nobody bought, and the hard end, each at its own moment."""
    visit = world.appointment(overtime_seconds=600)
    started = clock.now()
    session = visit.join(visit.doctor)["call"]["session"]["id"]
    advance(world, 10 * 60)
    world.must(visit.doctor.post(f"{visit.path}/pause", json={}))
    advance(world, 5 * 60)
    world.must(visit.doctor.post(f"{visit.path}/resume", json={}))
    advance(world, 55 * 60)
    seen = world.must(visit.patient.get(visit.path))["call"]["session"]["clock"]
    assert (seen["state"], seen["overtime_seconds"]) == ("overtime", 300)
    advance(world, 3600)
    ended = call_of(visit)
    assert ended["ended_reason"] == "overtime_used_up"
    assert minutes_of(told_of(visit), "call.session_ended", started) == [75]
    record = world.must(visit.doctor.get(f"{visit.path}/sessions/{session}/record"))["record"]
    sums = [record[f"{part}_seconds"] for part in ("wall", "running", "paused", "overtime", "waiting")]
    assert sums == [75 * 60, 60 * 60, 5 * 60, 10 * 60, 0]

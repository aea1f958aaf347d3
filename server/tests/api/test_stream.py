"""The event stream over real sockets (design section 8)."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from typing import Any

import httpx
import pytest
from callclock_server.api.schemas.stream import (
    ErrorMessage,
    Event,
    HealthCheck,
    ServerMessage,
    UnwatchOk,
    WatchOk,
)
from callclock_server.calls import presence
from callclock_server.testing import RunningServer, user_token

from .listening import WITHIN_SECONDS, Listener, raw_stream, stream
from .world import World


async def collect(listener: Listener, last: str) -> list[dict[str, Any]]:
    """All messages up to and with the first of kind `last`."""
    heard = [await listener.hear()]
    while heard[-1]["type"] != last:
        heard.append(await listener.hear())
    return heard


async def test_connection_ok_names_the_user_and_the_time(server: RunningServer, world: World) -> None:
    user = world.user()
    async with raw_stream(server) as listener:
        await listener.say(type="auth", api_key=server.api_key, token=server.user_token(user))
        message = await listener.hear()
    assert (message["type"], message["user_id"]) == ("connection.ok", user)
    assert datetime.fromisoformat(message["server_time"]).tzinfo is not None


@pytest.mark.parametrize(
    ("claims", "close"),
    [
        ({"token": "garbage"}, (4001, "invalid-token")),
        ({"token": user_token("nobody-at-all")}, (4001, "unknown-user")),
        ({"api_key": "unknown", "token": "x"}, (4001, "unknown-api-key")),
        ({"token": user_token("bill", ttl_seconds=-60)}, (4002, "token-expired")),
    ],
)
async def test_a_bad_token_is_told_by_the_close(
    server: RunningServer, claims: dict[str, str], close: tuple[int, str]
) -> None:
    async with raw_stream(server) as listener:
        await listener.say(**{"type": "auth", "api_key": server.api_key, **claims})
        assert await listener.end() == close


async def test_nothing_is_heard_before_auth(server: RunningServer) -> None:
    async with raw_stream(server) as listener:
        await listener.say(type="watch", cids=["default:any"])
        assert await listener.end() == (4001, "authentication-required")


async def test_a_token_that_expires_closes_the_stream(server: RunningServer, world: World) -> None:
    token = server.user_token(world.user(), ttl_seconds=-9.5)  # within the leeway for another moment
    async with stream(server, token) as listener:
        assert await listener.end() == (4002, "token-expired")


async def test_events_of_a_call_come_in_order_without_a_gap(server: RunningServer, world: World) -> None:
    visit = world.appointment(seconds=3600)
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        answer = await listener.watch(visit.cid)
        state = answer["calls"][0]
        assert state["call"]["cid"] == visit.cid
        assert "send-video" in state["own_capabilities"]
        visit.join(visit.doctor, device_id="desk")
        for seconds in (60, 120, -30):
            world.must(visit.doctor.post(f"{visit.path}/extend", json={"seconds": seconds}))
        world.must(visit.doctor.post(f"{visit.path}/end"))
        heard = await collect(listener, "call.session_ended")
    first = state["call"]["last_event_id"] + 1
    assert [event["id"] for event in heard] == list(range(first, first + len(heard)))
    kinds = [event["type"] for event in heard]
    assert kinds[:2] == ["call.session_started", "call.session_participant_joined"]
    assert kinds.count("call.session_clock_changed") == 3
    assert kinds[-2:] == ["call.ended", "call.session_ended"]
    assert heard[-1]["reason"] == "ended_by_user"


async def test_a_join_and_the_watch_race_without_losing_an_event(server: RunningServer, world: World) -> None:
    visit = world.appointment(seconds=3600)
    visit.join(visit.doctor)
    async with stream(server, server.server_token()) as listener:
        await listener.say(type="watch", cids=[visit.cid])
        extends = [
            asyncio.to_thread(visit.doctor.post, f"{visit.path}/extend", json={"seconds": 1})
            for _ in range(10)
        ]
        await asyncio.gather(*extends)
        answer = await listener.hear("watch.ok")
        known = answer["calls"][0]["call"]["last_event_id"]
        newest = visit.state()["call"]["last_event_id"]
        heard = [await listener.hear() for _ in range(known, newest)]
    assert [event["id"] for event in heard] == list(range(known + 1, newest + 1))


async def test_a_watch_is_refused_as_if_the_call_did_not_exist(server: RunningServer, world: World) -> None:
    visit, other = world.appointment(), world.appointment()
    async with stream(server, server.user_token(other.patient_id)) as listener:
        answer = await listener.watch(visit.cid, f"{visit.cid}-none", other.cid)
    assert answer["errors"] == [
        {"cid": visit.cid, "code": "call-not-found"},
        {"cid": f"{visit.cid}-none", "code": "call-not-found"},
    ]
    assert [state["call"]["cid"] for state in answer["calls"]] == [other.cid]


async def test_a_token_for_other_calls_may_not_watch(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    token = server.user_token(visit.patient_id, call_cids=["a:b"])
    async with stream(server, token) as listener:
        answer = await listener.watch(visit.cid)
    assert answer["errors"] == [{"cid": visit.cid, "code": "token-not-for-call"}]


async def test_unwatch_ends_it(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.watch(visit.cid)
        await listener.say(type="unwatch", cids=[visit.cid])
        assert (await listener.hear())["cids"] == [visit.cid]
        world.must(visit.doctor.patch(visit.path, json={"custom": {"a": 1}}))
        await listener.say(type="ping")
        assert (await listener.hear())["type"] == "health.check"


async def test_joining_watches_on_all_streams_of_the_user(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    token = server.user_token(visit.doctor_id)
    async with stream(server, token) as one, stream(server, token) as two:
        visit.join(visit.doctor)
        world.must(visit.doctor.patch(visit.path, json={"custom": {"a": 1}}))
        for listener in (one, two):
            event = await listener.hear("call.updated")
            assert event["call"]["custom"] == {"a": 1}


async def test_the_warning_and_the_end_reach_the_stream(server: RunningServer, world: World) -> None:
    visit = world.appointment(seconds=3, warning_seconds=[2])
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.watch(visit.cid)
        joined = visit.join(visit.patient)
        warning = await listener.hear("call.session_timer_warning")
        ended = await listener.hear("call.ended")
        told_at = datetime.fromisoformat(ended["server_time"])
    assert warning["threshold_seconds"] == 2
    deadline = joined["call"]["session"]["timer_ends_at"]
    assert ended["call"]["ended_at"] == deadline
    assert 0 <= (told_at - datetime.fromisoformat(deadline)).total_seconds() < 1
    metrics = await asyncio.to_thread(httpx.get, f"{server.url}/metrics")
    count = re.search(r"^callclock_end_lateness_seconds_count (\S+)", metrics.text, re.MULTILINE)
    assert count is not None
    assert float(count[1]) >= 1


async def test_who_loses_the_right_to_read_is_unwatched(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.watch(visit.cid)
        world.must(world.backend.post(f"{visit.path}/members", json={"remove_members": [visit.patient_id]}))
        message = await listener.hear("unwatch.ok")
        assert (message["cids"], message["code"]) == ([visit.cid], "call-not-found")
        world.must(visit.doctor.patch(visit.path, json={"custom": {"a": 1}}))
        await listener.say(type="ping")
        assert (await listener.hear())["type"] == "health.check"


async def test_a_watcher_whose_role_loses_its_grant_is_unwatched(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    role = world.must(world.backend.get(f"/v1/users/{visit.patient_id}"))["user"]["role"]
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.watch(visit.cid)
        world.must(world.backend.patch(f"/v1/call_types/{visit.call_type}", json={"grants": {role: []}}))
        message = await listener.hear("unwatch.ok")
    assert message["code"] == "missing-capability"


async def test_a_deleted_user_is_disconnected(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.watch(visit.cid)
        world.must(world.backend.delete(f"/v1/users/{visit.patient_id}"))
        assert await listener.end() == (4001, "unknown-user")


async def test_a_wrong_message_is_told_and_a_flood_of_them_ends_it(
    server: RunningServer, world: World
) -> None:
    async with stream(server, server.server_token()) as listener:
        await listener.say(type="sing")
        assert (await listener.hear())["code"] == "invalid-value"
        for _ in range(25):
            await listener.socket.send("{")
        assert (await listener.end())[0] == 4009


async def test_presence_on_a_stream_survives_a_reconnect(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    token = server.user_token(visit.patient_id)
    async with stream(server, token) as listener:
        visit.join(visit.patient, connection_id=listener.connection_id)
        first = listener.connection_id
    async with stream(server, token, connection_id=first) as again:
        assert again.connection_id == first
        present = visit.state()["call"]["session"]["participants"]
        assert [person["user_id"] for person in present] == [visit.patient_id]


@pytest.mark.parametrize("missed", [0, 3])
async def test_what_was_missed_comes_again_each_once(
    server: RunningServer, world: World, missed: int
) -> None:
    visit = world.appointment()
    token = server.user_token(visit.patient_id)
    async with stream(server, token) as listener:
        heard = (await listener.watch(visit.cid))["calls"][0]["call"]["last_event_id"]
    for number in range(missed):
        world.must(visit.doctor.patch(visit.path, json={"custom": {"number": number}}))
    async with stream(server, token) as again:
        await again.say(type="watch", cids=[visit.cid], after={visit.cid: heard})
        answer = await again.hear()
        assert answer["replayed"] == [visit.cid]
        assert answer["calls"][0]["call"]["last_event_id"] == heard + missed
        world.must(visit.doctor.patch(visit.path, json={"custom": {"number": "last"}}))
        events = [await again.hear("call.updated") for _ in range(missed + 1)]
    assert [event["id"] for event in events] == list(range(heard + 1, heard + missed + 2))
    assert events[-1]["call"]["custom"] == {"number": "last"}


@pytest.mark.parametrize("heard", [-1_000, 1_000], ids=["far behind", "ahead"])
async def test_what_cannot_be_sent_again_is_not_promised(
    server: RunningServer, world: World, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callclock_server.api.event_stream.hub.MAX_REPLAYED", 0)
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.say(type="watch", cids=[visit.cid], after={visit.cid: max(heard, 0)})
        answer = await listener.hear()
    assert answer["replayed"] == []
    assert answer["calls"][0]["call"]["cid"] == visit.cid


async def test_presence_that_another_process_reports_lost_is_kept_while_its_stream_is_here(
    server: RunningServer, world: World
) -> None:
    """The other process notices late that the client has moved here."""
    assert server.app is not None
    edge = server.app.state.edge
    database = edge.transactions.database
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        visit.join(visit.patient, connection_id=listener.connection_id)

        async def lose_and_look() -> tuple[set[str], set[str]]:
            async with database.write() as tx:
                await presence.connection_lost(
                    tx,
                    connection_id=listener.connection_id,
                    node_id=str(presence.node_of(listener.connection_id)),
                )
                before = await presence.lost_connections(tx)
            await edge.hub.presence.keep()
            async with database.read() as tx:
                return before, await presence.lost_connections(tx)

        before, after = await server.call(lose_and_look())
    assert listener.connection_id in before - after


async def test_nobody_takes_over_the_presence_of_another_user(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    async with stream(server, server.user_token(visit.patient_id)) as mine:
        theirs = server.user_token(visit.doctor_id)
        async with stream(server, theirs, connection_id=mine.connection_id) as other:
            assert other.connection_id != mine.connection_id


async def test_a_slow_reader_is_dropped_and_nobody_else_waits(server: RunningServer, world: World) -> None:
    visit = world.appointment()
    assert server.app is not None
    hub = server.app.state.edge.hub
    async with stream(server, server.server_token()) as quick:
        await quick.watch(visit.cid)
        # A client that reads nothing: small buffers, and the library told not to read ahead.
        async with stream(server, server.server_token(), max_queue=1) as slow:
            await slow.watch(visit.cid)
            connection = hub._connections[slow.connection_id]
            connection.outbox._limits = type(connection.outbox._limits)(messages=20, bytes=1 << 20)
            slow.socket.transport.pause_reading()
            filler = {"custom": {"text": "x" * 15_000}}
            for number in range(400):
                filler["custom"]["number"] = number  # type: ignore[assignment]
                world.must(await asyncio.to_thread(visit.doctor.patch, visit.path, json=filler))
                event = await quick.hear("call.updated", within=5)
                assert event["call"]["custom"]["number"] == number
                if connection.closing.done():
                    break
            assert connection.closing.result().code == 4008
            slow.socket.transport.resume_reading()
            assert await slow.end() == (4008, "slow-reader")


async def test_a_dead_reader_loses_its_place(server: RunningServer, world: World) -> None:
    """The client's machine is gone: nothing is read, no pong comes, and no close either."""
    assert server.app is not None
    hub = server.app.state.edge.hub
    async with stream(server, server.server_token()) as dead:
        connection = hub._connections[dead.connection_id]
        dead.socket.transport.pause_reading()
        connection.sending_since = -1e9  # a write that has been stuck for longer than is allowed
        async with asyncio.timeout(WITHIN_SECONDS):
            while dead.connection_id in hub._connections:  # noqa: ASYNC110 - it lives on another loop
                await asyncio.sleep(0.02)


async def test_every_message_fits_the_checked_in_schema(server: RunningServer, world: World) -> None:
    visit = world.appointment(seconds=4, warning_seconds=[3])
    shapes: dict[str, type[ServerMessage]] = {
        "watch.ok": WatchOk,
        "unwatch.ok": UnwatchOk,
        "health.check": HealthCheck,
        "error": ErrorMessage,
    }
    async with stream(server, server.user_token(visit.patient_id)) as listener:
        await listener.say(type="watch", cids=[visit.cid])
        await listener.say(type="ping")
        await listener.say(type="sing")
        visit.join(visit.patient)
        world.must(visit.doctor.patch(visit.path, json={"custom": {"a": 1}}))
        world.must(visit.doctor.post(f"{visit.path}/extend", json={"seconds": 1}))
        member = {"update_members": [{"user_id": visit.patient_id, "role": "guest"}]}
        world.must(world.backend.post(f"{visit.path}/members", json=member))
        kinds = set()
        while "call.session_ended" not in kinds:
            message = await listener.hear()
            kinds.add(message["type"])
            shape: type[ServerMessage] = shapes.get(message["type"]) or Event
            shape.model_validate_json(json.dumps(message), extra="forbid")
    assert {"call.session_started", "call.session_timer_warning", "call.ended", "call.updated"} <= kinds

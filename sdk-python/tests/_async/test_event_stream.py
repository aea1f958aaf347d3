"""The event stream over a real socket, with a server that plays scenes."""

from __future__ import annotations

import time

import pytest

from callclock import (
    AsyncStreamClient,
    AuthenticationError,
    CallUnwatched,
    ConnectionFailed,
    NotFound,
    SessionTimerWarning,
    StateRefreshed,
)

CID = "appointment:visit"


async def test_stream_authenticates_watches_and_tells_typed_events(stream, streaming, credentials) -> None:
    def scene(connection) -> None:
        stream.greet(connection, visit=4)
        stream.tell(connection, type="health.check", connection_id="c-1")
        stream.event(connection, 5, "call.session_timer_warning", seconds_left=300, timer_ends_at=None)
        connection.recv(timeout=5)

    stream.scene(scene)
    async with streaming.video.call("appointment", "visit").events() as events:
        first, second = await anext(events), await anext(events)
        assert events.connection_id == "c-1"
    assert isinstance(first, StateRefreshed)
    assert (first.reason, first.call.last_event_id) == ("watching", 4)
    assert isinstance(second, SessionTimerWarning)
    assert second.seconds_left == 300
    auth, watch = stream.heard
    assert (auth["type"], auth["api_key"]) == ("auth", credentials[0])
    assert watch == {"type": "watch", "cids": [CID]}


async def test_lost_connection_is_made_again_and_what_was_missed_is_made_good(stream, streaming) -> None:
    def first(connection) -> None:
        stream.greet(connection, visit=4)
        stream.event(connection, 5)
        connection.close(1012, "restart")

    def second(connection) -> None:
        stream.greet(connection, visit=8)
        stream.event(connection, 8)
        stream.event(connection, 9)
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(4)]
    assert [(event.type, event.id) for event in told] == [
        ("call.state_refreshed", 4),
        ("call.updated", 5),
        ("call.state_refreshed", 8),
        ("call.updated", 9),
    ]
    assert told[2].reason == "reconnected"
    assert stream.heard[2]["connection_id"] == "c-1"


async def test_reconnect_that_missed_nothing_says_nothing(stream, streaming) -> None:
    def first(connection) -> None:
        stream.greet(connection, visit=4)
        connection.close(4008, "slow-reader")

    def second(connection) -> None:
        stream.greet(connection, visit=4)
        stream.event(connection, 5)
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(2)]
    assert [event.type for event in told] == ["call.state_refreshed", "call.updated"]


async def test_events_that_were_missed_come_again_each_once(stream, streaming) -> None:
    def first(connection) -> None:
        stream.greet(connection, visit=4)
        stream.event(connection, 5)
        connection.close(1006, "")

    def second(connection) -> None:
        stream.greet(connection, replayed=["appointment:visit"], visit=7)
        for id in (5, 6, 7, 8):
            stream.event(connection, id)
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(5)]
    assert [(event.type, event.id) for event in told] == [
        ("call.state_refreshed", 4),
        *(("call.updated", id) for id in (5, 6, 7, 8)),
    ]
    assert stream.heard[3] == {"type": "watch", "cids": [CID], "after": {CID: 5}}


@pytest.mark.parametrize("closes", [False, True], ids=["stays open", "closes at once"])
async def test_process_that_stops_says_when_to_come_back(stream, streaming, closes) -> None:
    began: list[float] = []

    def first(connection) -> None:
        stream.greet(connection, visit=4)
        began.append(time.monotonic())
        stream.tell(connection, type="connection.reconnect", delay_seconds=0.4, reason="draining")
        stream.event(connection, 5)
        if closes:
            connection.close(1012, "draining")
        else:
            connection.recv(timeout=5)

    def second(connection) -> None:
        began.append(time.monotonic())
        stream.greet(connection, replayed=["appointment:visit"], visit=5)
        stream.event(connection, 6)
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(3)]
    assert [event.id for event in told] == [4, 5, 6]
    assert 0.35 < began[1] - began[0] < 2.0
    assert stream.heard[2]["connection_id"] == "c-1"


async def test_hole_in_the_numbering_reads_the_state_again(stream, streaming) -> None:
    def scene(connection) -> None:
        stream.greet(connection, visit=4)
        stream.event(connection, 7)
        stream.hear(connection)
        stream.event(connection, 8)
        stream.answer_watch(connection, visit=8)
        stream.event(connection, 9)
        connection.recv(timeout=5)

    stream.scene(scene)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(5)]
    assert [(event.id, getattr(event, "reason", None)) for event in told] == [
        (4, "watching"),
        (7, None),
        (8, None),
        (8, "gap"),
        (9, None),
    ]


async def test_refused_key_is_an_error_and_not_tried_again(stream, streaming) -> None:
    def scene(connection) -> None:
        stream.hear(connection)
        connection.close(4001, "unknown-api-key")

    stream.scene(scene)
    with pytest.raises(AuthenticationError) as caught:
        await anext(streaming.video.events([CID]))
    assert caught.value.code == "unknown-api-key"
    assert len(stream.heard) == 1


async def test_new_token_taken_for_expired_is_an_error(stream, streaming) -> None:
    def scene(connection) -> None:
        stream.hear(connection)
        connection.close(4002, "token-expired")

    stream.scene(scene)
    with pytest.raises(AuthenticationError, match="clock"):
        await anext(streaming.video.events([CID]))


async def test_token_that_expires_on_the_way_is_renewed(stream, streaming) -> None:
    def first(connection) -> None:
        stream.greet(connection, visit=4)
        connection.close(4002, "token-expired")

    def second(connection) -> None:
        stream.greet(connection, visit=5)
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    async with streaming.video.events([CID]) as events:
        told = [await anext(events) for _ in range(2)]
    assert [event.id for event in told] == [4, 5]


async def test_unknown_call_is_not_found(stream, streaming) -> None:
    def scene(connection) -> None:
        stream.hear(connection)
        stream.tell(connection, type="connection.ok", connection_id="c-1", user_id=None)
        stream.hear(connection)
        stream.tell(connection, type="watch.ok", calls=[], errors=[{"cid": CID, "code": "call-not-found"}])
        connection.recv(timeout=5)

    stream.scene(scene)
    with pytest.raises(NotFound, match=CID):
        await anext(streaming.video.events([CID]))


async def test_stream_ends_when_its_last_call_is_gone(stream, streaming) -> None:
    def first(connection) -> None:
        stream.greet(connection, visit=4)
        connection.close(1012, "restart")

    def second(connection) -> None:
        stream.hear(connection)
        stream.tell(connection, type="connection.ok", connection_id="c-1", user_id=None)
        stream.hear(connection)
        stream.tell(connection, type="watch.ok", calls=[], errors=[{"cid": CID, "code": "call-not-found"}])
        connection.recv(timeout=5)

    stream.scene(first)
    stream.scene(second)
    told = [event async for event in streaming.video.events([CID])]
    assert isinstance(told[-1], CallUnwatched)
    assert told[-1].code == "call-not-found"
    assert len(told) == 2


async def test_unreachable_server_is_connection_failed(stream, credentials) -> None:
    stream.close()
    async with AsyncStreamClient(*credentials, base_url=stream.base_url, timeout=1) as client:
        with pytest.raises(ConnectionFailed):
            await anext(client.video.events([CID]))


async def test_closing_the_client_closes_its_streams(stream, streaming) -> None:
    def scene(connection) -> None:
        stream.greet(connection, visit=4)
        connection.recv(timeout=5)

    stream.scene(scene)
    events = streaming.video.events([CID])
    await anext(events)
    await streaming.aclose()
    assert [event async for event in events] == []


async def test_watching_nothing_is_refused(streaming) -> None:
    with pytest.raises(ValueError, match="no call to watch"):
        streaming.video.events([])

"""SIGTERM on real processes: clients are sent on, requests finish, the process is gone in time."""

from __future__ import annotations

import asyncio
import signal
import socket
import time

import pytest
from callclock import AsyncStreamClient, CallEvent, RetryPolicy, StreamClient
from livekit import rtc

PATIENT = RetryPolicy(attempts=100, first_delay_seconds=0.1, max_delay_seconds=0.3)
NO_MEDIA = {"media": {"engine": "none"}}


def test_restart_costs_a_watcher_no_event_and_nobody_his_presence(start, keys, free_port) -> None:
    key, _, secret = keys["CALLCLOCK_KEYS"].partition(":")
    url = f"http://127.0.0.1:{free_port}"
    first = start("serve", "--port", str(free_port), **keys)
    first.wait_for(url)
    with StreamClient(key, secret, base_url=url, retries=PATIENT) as client:
        client.upsert_users({"ann": {}})
        call = client.video.call("default", "a")
        call.create(data={"created_by_id": "ann", "settings_override": NO_MEDIA})
        told: list[CallEvent] = []
        with call.events() as events:
            told.append(next(events))
            call.join(user_id="ann", connection_id=events.connection_id)
            assert first.finish(signal.SIGTERM) == 0
            start("serve", "--port", str(free_port), **keys).wait_for(url)
            for number in range(3):
                call.update(custom={"number": number})
            while told[-1].call is None or told[-1].call.custom != {"number": 2}:
                told.append(next(events))
            session = call.get().call.session
            assert session is not None
            assert [each.user_id for each in session.participants] == ["ann"]
            assert session.participants[0].joined_at is not None
    ids = [event.id for event in told]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert [event.type for event in told[1:]] == [
        "call.session_started",
        "call.session_participant_joined",
        *["call.updated"] * 3,
    ]


async def test_restart_asks_media_clients_to_come_back_and_they_do(start, keys, free_port) -> None:
    key, _, secret = keys["CALLCLOCK_KEYS"].partition(":")
    url = f"http://127.0.0.1:{free_port}"
    media = {"CALLCLOCK_MEDIA_HOST": "127.0.0.1", "CALLCLOCK_MEDIA_ADDRESSES": "127.0.0.1"}
    first = start("serve", "--port", str(free_port), **keys, **media)
    first.wait_for(url)
    told: list[str] = []
    back = asyncio.Event()
    room = rtc.Room()
    for event in ("reconnecting", "reconnected", "disconnected"):
        room.on(event, lambda *_, event=event: told.append(event))
    room.on("reconnected", back.set)
    async with AsyncStreamClient(key, secret, base_url=url, retries=PATIENT) as client:
        await client.upsert_users({"ann": {}})
        call = client.video.call("default", "a")
        await call.create(data={"created_by_id": "ann"})
        joined = await call.join(user_id="ann")
        await room.connect(joined.media.url, joined.media.token)
        assert await asyncio.to_thread(first.finish, signal.SIGTERM) == 0
        await asyncio.to_thread(start("serve", "--port", str(free_port), **keys, **media).wait_for, url)
        async with asyncio.timeout(15):
            await back.wait()
        session = (await call.get()).call.session
    await room.disconnect()
    assert told[:2] == ["reconnecting", "reconnected"]
    assert session.id == joined.call.session.id
    assert [each.user_id for each in session.participants] == ["ann"]


@pytest.fixture
def stuck(start, keys):
    """A server told to stop while a request that never ends runs."""

    def begin(**environ: str):
        server = start("serve", "--port", "0", **keys, **environ)
        port = int(server.wait_for("http://").rpartition(":")[2])
        request = socket.create_connection(("127.0.0.1", port))
        key = keys["CALLCLOCK_KEYS"].partition(":")[0]
        request.sendall(
            b"POST /v1/roles HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + f"X-Api-Key: {key}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
        requests.append(request)
        return server

    requests: list[socket.socket] = []
    yield begin
    for request in requests:
        request.close()


@pytest.mark.punctual
def test_process_is_gone_when_its_time_is_up_whatever_still_runs(stuck) -> None:
    server = stuck(CALLCLOCK_DRAIN_SECONDS="1")
    began = time.monotonic()
    server.finish(signal.SIGTERM)
    assert time.monotonic() - began < 3.0


@pytest.mark.punctual
def test_second_signal_ends_the_process_at_once(stuck) -> None:
    server = stuck(CALLCLOCK_DRAIN_SECONDS="60")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for_log("handing_off")
    began = time.monotonic()
    assert server.finish(signal.SIGINT) == 128 + signal.SIGINT
    assert time.monotonic() - began < 2.0

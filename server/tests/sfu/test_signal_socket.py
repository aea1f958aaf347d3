"""One signalling socket: order, limits, and an end that nobody can delay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from callclock_server.sfu import signal_socket
from callclock_server.sfu.signal_socket import ProtocolViolation, SignalLimits, SignalSocket, TokenBucket
from livekit.protocol import rtc

WAIT_SECONDS = 5.0


class Wire:
    """The ASGI side of a socket, by hand. `stuck` makes writing wait for ever."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.written: list[Any] = []
        self.stuck = False

    async def send(self, message: Any) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.written.append(message.get("bytes", message.get("code")))

    def put(self, payload: bytes | None) -> None:
        kind = "websocket.receive" if payload is not None else "websocket.disconnect"
        self.to_server.put_nowait({"type": kind, "bytes": payload})


@pytest.fixture
def wire() -> Wire:
    return Wire()


def open_socket(wire: Wire, **limits: Any) -> SignalSocket:
    return SignalSocket(wire.to_server.get, wire.send, limits=SignalLimits(**limits))


async def run(
    socket: SignalSocket, handle: Callable[[rtc.SignalRequest], None] = lambda request: None
) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        await socket.run(handle)


def numbered(number: int) -> rtc.SignalResponse:
    return rtc.SignalResponse(pong=number)


async def test_messages_are_written_in_order_and_before_the_close(wire: Wire) -> None:
    socket = open_socket(wire)
    for number in range(1, 4):
        socket.send(numbered(number))
    socket.close(1001)
    socket.send(numbered(4))
    await run(socket)
    assert wire.written == [numbered(number).SerializeToString() for number in range(1, 4)] + [1001]


async def test_disconnect_of_the_client_ends_the_run(wire: Wire) -> None:
    wire.put(None)
    await run(open_socket(wire))


async def test_client_that_does_not_read_is_dropped(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_socket, "FLUSH_SECONDS", 0.01)
    wire.stuck = True
    socket = open_socket(wire, max_queued_messages=5)
    running = asyncio.create_task(run(socket))
    for number in range(1, 7):
        assert not socket.closing
        socket.send(numbered(number))
    assert socket.closing
    await running
    assert wire.written == []


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\xff\xff\xff", 1002), (b"x" * 101, 1009), (rtc.SignalRequest(ping=1), 1002)]
)
async def test_frame_against_the_rules_closes(wire: Wire, payload: Any, code: int) -> None:
    def refuse(request: rtc.SignalRequest) -> None:
        raise ProtocolViolation("never")

    wire.put(payload if isinstance(payload, bytes) else payload.SerializeToString())
    await run(open_socket(wire, max_message_bytes=100), refuse)
    assert wire.written == [code]


async def test_error_in_the_server_ends_only_this_socket_and_is_logged(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: rtc.SignalRequest) -> None:
        raise KeyError("a bug")

    wire.put(rtc.SignalRequest(ping=1).SerializeToString())
    await run(open_socket(wire), fail)
    assert "a bug" in caplog.text


async def test_requests_after_the_close_are_not_handled(wire: Wire) -> None:
    handled: list[rtc.SignalRequest] = []
    socket = open_socket(wire)
    socket.close()
    wire.put(rtc.SignalRequest(ping=1).SerializeToString())
    await run(socket, handled.append)
    assert handled == []


def test_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(per_second=2, burst=3, now=0)
    assert [bucket.take(now=0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(now=0.5), bucket.take(now=0.5)] == [True, False]
    assert [bucket.take(now=100) for _ in range(4)] == [True, True, True, False]

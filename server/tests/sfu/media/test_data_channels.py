"""Data channels: two associations wired together, and the contract with the SCTP library."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from aiortc.rtcsctptransport import RTCSctpTransport
from callclock_server.sfu.media.sctp import DataChannels, run_to_end


class Wire:
    """A server's and a client's association, fed by turns."""

    def __init__(self):
        self.events = asyncio.Queue()
        self.flying = []
        self.lose = set()
        self.server = self._side("server", lambda: self.client)
        self.client = self._side("client", lambda: self.server)

    def _side(self, name, other):
        return DataChannels(
            send=lambda data: self.flying.append((other, data)),
            on_data=lambda label, payload: self.events.put_nowait((name, label, payload)),
            on_channel=lambda label: self.events.put_nowait((name, label)),
            server=name == "server",
        )

    def start(self):
        self.server.start(port=5000, max_message_size=100_000)
        self.client.start(port=5000, max_message_size=0)
        return self

    async def settle(self):
        """Carry packets until both sides are quiet."""
        for _ in range(200):
            await asyncio.sleep(0)
            while self.flying:
                other, data = self.flying.pop(0)
                other().receive(data)

    def drain(self):
        return [self.events.get_nowait() for _ in range(self.events.qsize())]


@pytest.fixture
async def wire():
    made = Wire()
    yield made
    made.server.close()
    made.client.close()
    await asyncio.sleep(0)


async def test_channels_open_from_either_side_and_carry_messages(wire):
    wire.server.open("_reliable", ordered=True, max_retransmits=None)
    wire.start()
    wire.client.open("_lossy", ordered=False, max_retransmits=0)
    await wire.settle()
    assert set(wire.drain()) == {
        ("server", "_lossy"),
        ("client", "_lossy"),
        ("server", "_reliable"),
        ("client", "_reliable"),
    }
    assert wire.server.send("_reliable", b"down")
    assert wire.client.send("_lossy", b"up")
    await wire.settle()
    assert set(wire.drain()) == {("client", "_reliable", b"down"), ("server", "_lossy", b"up")}


async def test_reliable_messages_sent_before_the_channel_is_open_arrive_in_order(wire):
    wire.server.open("_reliable", ordered=True, max_retransmits=None)
    wire.server.open("_lossy", ordered=False, max_retransmits=0)
    assert wire.server.send("_reliable", b"one")
    assert not wire.server.send("_lossy", b"too early")
    wire.start()
    assert wire.server.send("_reliable", b"two")
    assert not wire.server.send("_reliable", bytes(1024 * 1024))
    await wire.settle()
    assert wire.server.send("_reliable", b"three")
    await wire.settle()
    heard = [event[2] for event in wire.drain() if event[:2] == ("client", "_reliable") and len(event) == 3]
    assert heard == [b"one", b"two", b"three"]


async def test_message_beyond_the_limit_or_for_nobody_is_refused(wire):
    wire.start()
    wire.client.open("_reliable", ordered=True, max_retransmits=None)
    await wire.settle()
    assert not wire.server.send("_reliable", bytes(100_001))
    assert not wire.server.send("unknown", b"")
    wire.client.close()
    await wire.settle()
    assert not wire.server.send("_reliable", b"")


async def test_slow_client_cannot_make_the_server_hoard(wire):
    wire.start()
    wire.client.open("_reliable", ordered=True, max_retransmits=None)
    await wire.settle()
    sent = 0
    while wire.server.send("_reliable", bytes(90_000)):
        sent += 1
        assert sent < 100
    assert sent >= 40
    await wire.settle()


async def test_number_of_channels_is_bounded(wire):
    wire.start()
    for number in range(30):
        wire.client.open(f"channel {number}", ordered=True, max_retransmits=None)
    await wire.settle()
    assert len([event for event in wire.drain() if event[0] == "server"]) == 16


async def test_malformed_packets_leave_the_association_alone(wire):
    wire.start()
    wire.client.open("_reliable", ordered=True, max_retransmits=None)
    await wire.settle()
    wire.drain()
    for garbage in (b"", bytes(12), bytes(200), b"\x13\x88\x13\x88" + bytes(30), b"\xff" * 100):
        wire.server.receive(garbage)
    assert wire.client.send("_reliable", b"still here")
    await wire.settle()
    assert wire.drain() == [("server", "_reliable", b"still here")]


def test_library_has_the_names_that_the_wrapper_relies_on():
    """Held by the version bound of aiortc in pyproject.toml; a new one must pass this first."""
    for name in ("start", "stop", "_handle_data"):
        assert inspect.iscoroutinefunction(getattr(RTCSctpTransport, name))
    source = inspect.getsource(RTCSctpTransport)
    for name in ("_role", "_register_data_receiver", "_unregister_data_receiver", "_send_data"):
        assert name in source
    assert "_advertised_rwnd" in source


async def test_step_that_suspends_is_an_error():
    with pytest.raises(RuntimeError, match="suspend"):
        run_to_end(asyncio.sleep(0))

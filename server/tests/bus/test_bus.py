"""What every bus promises. New kinds of bus join the list of factories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from callclock_server.bus import ALARM, OUTBOX, Bus, LocalBus, call_channel, connect
from callclock_server.storage.database import EventRow, Hint
from callclock_server.timekeeping import FakeClock


@pytest.fixture(params=[LocalBus])
def bus(request: pytest.FixtureRequest) -> Bus:
    make: Callable[[], Bus] = request.param
    return make()


class Receiver:
    """Collects messages, and waits for a number of them."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._arrived = asyncio.Event()

    def __call__(self, message: Any) -> None:
        self.messages.append(message)
        self._arrived.set()

    async def wait_for(self, count: int) -> list[Any]:
        async with asyncio.timeout(5):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages


async def test_every_subscriber_gets_every_message_in_order(bus: Bus) -> None:
    first, second = Receiver(), Receiver()
    bus.subscribe("call:a", first)
    bus.subscribe("call:a", second)
    for number in range(100):
        bus.publish("call:a", number)
    assert await first.wait_for(100) == await second.wait_for(100) == list(range(100))


async def test_channels_do_not_mix(bus: Bus) -> None:
    mine, other = Receiver(), Receiver()
    bus.subscribe("call:a", mine)
    bus.subscribe("call:ab", other)
    bus.publish("call:ab", "for the other")
    bus.publish("call:a", "for me")
    assert await mine.wait_for(1) == ["for me"]
    assert await other.wait_for(1) == ["for the other"]


async def test_unsubscribed_receiver_gets_nothing_more(bus: Bus) -> None:
    gone, there = Receiver(), Receiver()
    unsubscribe = bus.subscribe("call:a", gone)
    bus.subscribe("call:a", there)
    unsubscribe()
    unsubscribe()
    bus.publish("call:a", 1)
    await there.wait_for(1)
    assert gone.messages == []


async def test_receiver_that_raises_does_not_keep_the_others_from_theirs(bus: Bus) -> None:
    def broken(message: Any) -> None:
        raise RuntimeError("no")

    there = Receiver()
    bus.subscribe("call:a", broken)
    bus.subscribe("call:a", there)
    bus.publish("call:a", 1)
    assert await there.wait_for(1) == [1]


async def test_publishing_to_nobody_is_no_error(bus: Bus) -> None:
    bus.publish("call:nobody", 1)


async def test_connected_database_tells_of_events_alarms_and_outbox(bus: Bus) -> None:
    class Source:
        def on_hint(self, listener: Callable[[Hint], None]) -> None:
            self.tell = listener

    source = Source()
    connect(source, bus)
    of_a, alarms, work = Receiver(), Receiver(), Receiver()
    bus.subscribe(call_channel("t:a"), of_a)
    bus.subscribe(ALARM, alarms)
    bus.subscribe(OUTBOX, work)
    rows = [EventRow(n, cid, n, "call.updated", "{}") for n, cid in enumerate(["t:a", "t:a", "t:b", "t:a"])]
    alarm_at = FakeClock().now() + timedelta(seconds=5)
    source.tell(Hint(events=rows, alarm_at=alarm_at, outbox=True))
    assert await of_a.wait_for(2) == [(rows[0], rows[1]), (rows[3],)]
    assert await alarms.wait_for(1) == [alarm_at]
    assert await work.wait_for(1) == [None]

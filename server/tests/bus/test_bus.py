"""What every bus promises, inside a process and from node to node."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from callclock_server.bus import ACCESS, ALARM, OUTBOX, Bus, call_channel, connect
from callclock_server.storage.database import NOTICE, EventRow, Hint
from callclock_server.timekeeping import FakeClock

from .receiving import Receiver

Ends = tuple[Bus, Bus]


async def test_every_subscriber_gets_every_message_in_order(ends: Ends) -> None:
    here, there = ends
    first, second = Receiver(), Receiver()
    there.subscribe("call:a", first)
    there.subscribe("call:a", second)
    await there.settled()
    for number in range(1000):
        here.publish("call:a", number)
    assert await first.wait_for(1000) == await second.wait_for(1000) == list(range(1000))


async def test_channels_do_not_mix(ends: Ends) -> None:
    here, there = ends
    mine, other = Receiver(), Receiver()
    there.subscribe("call:a", mine)
    there.subscribe("call:ab", other)
    await there.settled()
    here.publish("call:ab", "for the other")
    here.publish("call:a", "for me")
    assert await mine.wait_for(1) == ["for me"]
    assert await other.wait_for(1) == ["for the other"]


async def test_unsubscribed_receiver_gets_nothing_more(ends: Ends) -> None:
    here, there = ends
    gone, stays = Receiver(), Receiver()
    unsubscribe = there.subscribe("call:a", gone)
    there.subscribe("call:a", stays)
    unsubscribe()
    unsubscribe()
    await there.settled()
    here.publish("call:a", 1)
    await stays.wait_for(1)
    assert gone.messages == []


async def test_channel_that_was_left_can_be_listened_to_again(ends: Ends) -> None:
    here, there = ends
    first, again = Receiver(), Receiver()
    there.subscribe("call:a", first)()
    there.subscribe("call:a", again)
    await there.settled()
    here.publish("call:a", 1)
    assert await again.wait_for(1) == [1]
    assert first.messages == []


async def test_receiver_that_raises_does_not_keep_the_others_from_theirs(ends: Ends) -> None:
    def broken(message: Any) -> None:
        raise RuntimeError("no")

    here, there = ends
    stays = Receiver()
    there.subscribe("call:a", broken)
    there.subscribe("call:a", stays)
    await there.settled()
    here.publish("call:a", 1)
    here.publish("call:a", 2)
    assert await stays.wait_for(2) == [1, 2]


async def test_publishing_to_nobody_is_no_error(ends: Ends) -> None:
    ends[0].publish("call:nobody", 1)


async def test_connected_database_tells_of_events_alarms_outbox_and_notices(ends: Ends) -> None:
    class Source:
        def on_hint(self, listener: Callable[[Hint], None]) -> None:
            self.tell = listener

    here, there = ends
    source = Source()
    connect(source, here)
    of_a, alarms, work, access = Receiver(), Receiver(), Receiver(), Receiver()
    there.subscribe(call_channel("t:a"), of_a)
    there.subscribe(ALARM, alarms)
    there.subscribe(OUTBOX, work)
    there.subscribe(ACCESS, access)
    await there.settled()
    rows = [EventRow(n, cid, n, "call.updated", "{}") for n, cid in enumerate(["t:a", "t:a", "t:b", "t:a"])]
    notice = EventRow(5, NOTICE + ACCESS, 5, NOTICE, '{"users":["ann"]}')
    alarm_at = FakeClock().now() + timedelta(seconds=5, microseconds=1)
    source.tell(Hint(events=[*rows, notice], alarm_at=alarm_at, outbox=True))
    assert await of_a.wait_for(2) == [(rows[0], rows[1]), (rows[3],)]
    assert await alarms.wait_for(1) == [alarm_at]
    assert await work.wait_for(1) == [None]
    assert await access.wait_for(1) == [{"users": ["ann"], "position": 5}]

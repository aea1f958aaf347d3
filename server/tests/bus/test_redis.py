"""The bus through Redis, and what it does when Redis is away (design section 5: a hint, never the truth)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from callclock_server.bus import BusUnavailable, RedisBus, call_channel
from callclock_server.bus.redis import address_of
from callclock_server.storage.database import EventRow
from callclock_server.testing.redis import RedisServer
from redis.asyncio.connection import Connection

from .conftest import ROW_FIELDS, Node
from .receiving import Receiver

WITHIN_SECONDS = 10.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not holds():  # noqa: ASYNC110 - the bus mends itself and tells nobody
            await asyncio.sleep(0.005)


async def test_own_subscribers_hear_at_once_and_once(redis: RedisServer, node: Node) -> None:
    here, there = await node(redis.url()), await node(redis.url())
    own, other = Receiver(), Receiver()
    here.subscribe("call:a", own)
    there.subscribe("call:a", other)
    await here.settled()
    await there.settled()
    here.publish("call:a", 1)
    assert own.messages == [1]
    await other.wait_for(1)
    there.publish("call:a", 2)  # behind the echo of the first one
    assert await own.wait_for(2) == [1, 2]


async def test_a_top_of_the_hour_arrives_whole_and_in_order(redis: RedisServer, node: Node) -> None:
    here, there = await node(redis.url()), await node(redis.url())
    receiver = Receiver()
    cids = [f"t:{number}" for number in range(5_000)]
    for cid in cids:
        there.subscribe(call_channel(cid), receiver)
    await there.settled()
    payload = '{"type":"call.ended",' + '"x":"é\\"",' * 100 + '"y":1}'
    sent = [
        (EventRow(2 * n, cid, 7, "call.ended", payload), EventRow(2 * n + 1, cid, 8, "x", payload))
        for n, cid in enumerate(cids)
    ]
    for cid, rows in zip(cids, sent, strict=True):
        here.publish(call_channel(cid), rows)
    assert await receiver.wait_for(len(sent)) == sent
    assert here.dropped == 0


async def test_deployments_with_prefixes_of_their_own_share_a_redis(redis: RedisServer, node: Node) -> None:
    ours, theirs = await node(redis.url()), await node(redis.url(), prefix="theirs")
    receiver = Receiver()
    ours.subscribe("alarm", receiver)
    await ours.settled()
    theirs.publish("alarm", "not for us")
    (await node(redis.url())).publish("alarm", "for us")
    assert await receiver.wait_for(1) == ["for us"]


async def test_redis_that_comes_back_is_used_again(mortal_redis: RedisServer, node: Node) -> None:
    here, there = await node(mortal_redis.url()), await node(mortal_redis.url())
    own, other, later = Receiver(), Receiver(), Receiver()
    here.subscribe("call:a", own)
    there.subscribe("call:a", other)
    await there.settled()
    await until(lambda: here.whole and there.whole)
    mortal_redis.stop()
    await until(lambda: not here.whole and not there.whole)
    here.publish("call:a", "lost")
    assert own.messages == ["lost"]
    await until(lambda: here.dropped == 1)
    there.subscribe("call:b", later)
    mortal_redis.start()
    await until(lambda: here.whole and there.whole)
    await there.settled()
    here.publish("call:a", "heard")
    here.publish("call:b", "heard too")
    assert await other.wait_for(1) == ["heard"]
    assert await later.wait_for(1) == ["heard too"]
    assert there.connects == 2


async def test_redis_that_answers_no_more_is_noticed(mortal_redis: RedisServer, node: Node) -> None:
    bus = await node(mortal_redis.url())
    await until(lambda: bus.whole)
    mortal_redis.send(signal.SIGSTOP)
    try:
        async with asyncio.timeout(4):
            await until(lambda: not bus.whole)
        for number in range(10):
            bus.publish("call:a", number)
        async with asyncio.timeout(1.0):
            await bus.settled()
    finally:
        mortal_redis.send(signal.SIGCONT)
    await until(lambda: bus.whole)


async def test_error_that_no_redis_client_names_is_outlived(
    redis: RedisServer, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await node(redis.url())
    await until(lambda: bus.whole)

    async def closed(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed")  # as uvloop says it

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "send_command", closed)
        await until(lambda: not bus._sender.up and not bus._listener.up)
    await until(lambda: bus.whole)


async def test_message_that_cannot_be_encoded_costs_only_itself(redis: RedisServer, node: Node) -> None:
    here, there = await node(redis.url()), await node(redis.url())
    receiver = Receiver()
    there.subscribe("call:a", receiver)
    await there.settled()
    here.publish("call:a", {"set": {1}})
    here.publish("call:a", 2)
    assert await receiver.wait_for(1) == [2]
    assert here.dropped == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://127.0.0.1:1/0", "Redis at redis://127.0.0.1:1/0 cannot be used"),
        ("rediss://:hidden@127.0.0.1:{port}/0", "Redis at rediss://127.0.0.1:{port}/0 cannot be used"),
        ("redis://ann:hidden@127.0.0.1:{port}/0", "Redis at redis://127.0.0.1:{port}/0 refuses the user or"),
        ("redis://127.0.0.1:{port}/0", "Redis at redis://127.0.0.1:{port}/0 refuses the user or"),
    ],
)
async def test_redis_that_cannot_be_used_is_one_sentence(
    mortal_redis: RedisServer, url: str, sentence: str
) -> None:
    bus = RedisBus(
        url.format(port=mortal_redis.port), prefix="x", node_id="n" * 12, row=EventRow, fields=ROW_FIELDS
    )
    with structlog.testing.capture_logs() as logs, pytest.raises(BusUnavailable) as refused:
        await bus.open()
    said = str(refused.value)
    assert said.startswith(sentence.format(port=mortal_redis.port))
    assert said.endswith(".")
    assert "\n" not in said
    assert "hidden" not in said + str(logs)


def test_address_for_people_has_no_password() -> None:
    assert address_of("rediss://ann:hidden@[::1]:7000/3?password=hidden") == "rediss://[::1]:7000/3"
    assert address_of("unix://ann:hidden@/run/redis.sock?db=1") == "unix:///run/redis.sock"

"""Buses of both kinds, and a Redis for one of them."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from callclock_server.bus import Bus, LocalBus, RedisBus
from callclock_server.storage.database import EventRow
from callclock_server.testing.redis import RedisMissing, RedisServer

ROW_FIELDS = ("position", "cid", "id", "type", "payload")
_names = itertools.count(1)

Node = Callable[..., Awaitable[RedisBus]]


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis that nobody stops."""
    try:
        server = RedisServer()
    except RedisMissing as exc:
        pytest.skip(f"the Redis bus was not tested: {exc}")
    with server:
        yield server


@pytest.fixture
def mortal_redis() -> Iterator[RedisServer]:
    """A Redis for one test to stop and to start again."""
    try:
        server = RedisServer(password="of the tests")
    except RedisMissing as exc:
        pytest.skip(f"the Redis bus was not tested: {exc}")
    with server:
        yield server


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """Opens buses, each a node of its own; closes them after the test."""
    prefix = f"test-{next(_names)}"
    async with AsyncExitStack() as stack:

        async def opened(url: str, *, prefix: str = prefix) -> RedisBus:
            bus = RedisBus(url, prefix=prefix, node_id=secrets.token_hex(6), row=EventRow, fields=ROW_FIELDS)
            await bus.open()
            stack.push_async_callback(bus.close)
            return bus

        yield opened


@pytest.fixture(params=["local", "redis, one node", "redis, two nodes"])
async def ends(request: pytest.FixtureRequest, node: Node) -> tuple[Bus, Bus]:
    """Where is published, and where is listened."""
    if request.param == "local":
        bus = LocalBus()
        return bus, bus
    server: RedisServer = request.getfixturevalue("redis")
    here = await node(server.url())
    return here, await node(server.url()) if "two" in request.param else here

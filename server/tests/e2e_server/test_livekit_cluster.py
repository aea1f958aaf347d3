"""Two LiveKit nodes that share a Redis: one call on both, and a node that is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit
from callclock_server.testing.redis import RedisMissing, RedisServer
from livekit import rtc

from .test_end_of_call import present, until
from .visit import WITHIN_SECONDS, Seat, Visit

BACK_WITHIN_SECONDS = 30.0


@dataclass
class Site:
    """A server in front of two nodes."""

    server: RunningServer
    nodes: tuple[LiveKit, LiveKit]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    demand_livekit()
    with ExitStack() as stack:
        try:
            redis = stack.enter_context(RedisServer())
        except RedisMissing as exc:
            pytest.skip(f"two LiveKit nodes were not tested: {exc}")
        address = f"127.0.0.1:{redis.port}"
        one, two = (LiveKit(tmp_path / name, redis=address) for name in ("one", "two"))
        settings = {**one.settings, "livekit_control_url": two.http_url, "reconcile_seconds": 1.0}
        server = stack.enter_context(running_server(**settings))
        for node in (one, two):
            node.webhooks = [f"{server.url}/v1/media/webhook"]
            stack.enter_context(node)
        yield Site(server, (one, two))


async def test_a_call_spans_both_nodes_and_ends_on_both(site: Site) -> None:
    one, two = site.nodes
    async with Visit(site.server, seconds=60) as visit:
        answers = {who: await visit.join(who) for who in visit.people}
        seats = [
            await Seat().connect({**answers["specialist"]["media"], "url": one.url}),
            await Seat().connect({**answers["patient"]["media"], "url": two.url}),
        ]
        await until(lambda: present(visit, ["specialist", "patient"]))
        heard = asyncio.Event()
        seats[1].room.on("data_received", lambda _packet: heard.set())
        async with asyncio.timeout(WITHIN_SECONDS):
            while not heard.is_set():
                await seats[0].room.local_participant.publish_data(b"from the other node")
                await asyncio.sleep(0.1)
        ended_at = time.monotonic()
        await visit.must("POST", f"{visit.path}/end")
        async with asyncio.timeout(WITHIN_SECONDS):
            await asyncio.gather(*(seat.gone.wait() for seat in seats))
        print(f"everybody out {1000 * (time.monotonic() - ended_at):.0f} ms after the request to end")
        for node in site.nodes:
            with pytest.raises(rtc.ConnectError):
                await Seat().connect({**answers["patient"]["media"], "url": node.url})


async def test_a_killed_node_loses_nobody_and_leaves_no_ghost(site: Site) -> None:
    doomed, staying = site.nodes
    async with AsyncExitStack() as stack:
        while True:  # LiveKit chooses the node of a room
            visit = await stack.enter_async_context(Visit(site.server, seconds=120))
            media = (await visit.join("specialist"))["media"]
            doctor = await Seat().connect({**media, "url": staying.url})
            if hosts(doomed, media["room"]):
                break
            await doctor.room.disconnect()
        patient = await Seat().connect({**(await visit.join("patient"))["media"], "url": staying.url})
        await until(lambda: present(visit, ["specialist", "patient"]))
        doomed.kill()
        killed_at = time.monotonic()
        await patient.room.disconnect()  # nobody is there any more to tell of it
        assert await doctor.is_back(within_seconds=BACK_WITHIN_SECONDS)
        print(f"back by itself {time.monotonic() - killed_at:.1f} s after its node was killed")
        await until(lambda: present(visit, ["specialist"]), seconds=BACK_WITHIN_SECONDS)
        await doctor.room.disconnect()
        print(f"no ghost {time.monotonic() - killed_at:.1f} s after")


def hosts(node: LiveKit, room: str) -> bool:
    """Whether the people of a room are on this node."""
    return any(room in line and "starting RTC session" in line for line in node.log.read_text().splitlines())

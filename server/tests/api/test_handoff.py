"""Streams of a process that stops: when each moves, and what it is told."""

from __future__ import annotations

import asyncio
import itertools
import json
import time

import pytest
from callclock_server.api.event_stream.connection import Connection
from callclock_server.api.event_stream.handoff import STREAMS_PER_SECOND, Pace, hand_off
from callclock_server.api.event_stream.outbox import Outbox
from callclock_server.api.event_stream.protocol import Close, CloseCode
from callclock_server.domain.permissions import Actor
from callclock_server.testing import running_server

from .listening import raw_stream, stream
from .world import World


def connection(name: str) -> Connection:
    actor = Actor(user_id=name, server=False, call_cids=None)
    return Connection(
        connection_id=name,
        actor=actor,
        expires_at=None,
        outbox=Outbox(),
        sink=None,
        stamp=str,
        now=0.0,
    )


async def hint(to: Connection) -> float:
    await to.outbox.filled()
    (text,) = to.outbox.take(0)
    message = json.loads(text)
    assert (message["type"], message["reason"]) == ("connection.reconnect", "draining")
    delay: float = message["delay_seconds"]
    return delay


@pytest.mark.parametrize("count", [0, 1, 10, 5_000, 100_000])
def test_turns_are_spread_and_end_in_time(count: int) -> None:
    pace = Pace.among_others(20)
    turns = pace.turns(count)
    assert len(turns) == count
    assert all(3.0 <= turn <= 13.0 for turn in turns)
    gaps = [later - earlier for earlier, later in itertools.pairwise(turns)]
    least = min(1 / STREAMS_PER_SECOND, 10.0 / max(count, 1))
    assert all(gap == pytest.approx(least, rel=0.01) for gap in gaps)


async def test_each_is_told_its_turn_and_only_who_stays_is_closed() -> None:
    pace = Pace(first_seconds=0.05, spread_seconds=1.0, patience_seconds=0.1, closes_at_once=False)
    stays, goes = connection("stays"), connection("goes")
    work = asyncio.create_task(hand_off([stays, goes], pace))
    assert await hint(stays) < await hint(goes)
    goes.gone.set_result(None)
    await work
    assert stays.closing.result() == Close(CloseCode.RESTARTING, "draining")


async def test_alone_all_are_closed_at_once_and_come_back_one_after_the_other() -> None:
    streams = [connection(str(number)) for number in range(3)]
    began = time.monotonic()
    await hand_off(streams, Pace.alone())
    assert time.monotonic() - began < 0.5
    assert [each.closing.result().code for each in streams] == [CloseCode.RESTARTING] * 3
    delays = [await hint(each) for each in streams]
    assert delays[0] >= 1.0
    assert delays == sorted(set(delays))


async def test_draining_server_is_not_ready_turns_streams_away_and_answers_requests() -> None:
    with running_server() as server:
        world = World(server)
        assert server.app is not None
        async with stream(server, server.server_token()) as listener:
            await server.call(server.app.state.drain())
            assert (await listener.hear())["type"] == "connection.reconnect"
            assert await listener.end() == (1012, "draining")
        async with raw_stream(server) as late:
            assert 0.5 <= (await late.hear("connection.reconnect"))["delay_seconds"] <= 1.5
            assert await late.end() == (1012, "draining")
        ready = world.backend.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "not-ready")
        assert world.backend.get("/healthz").status_code == 200
        answer = world.backend.get("/v1/roles")
        assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        world.close()

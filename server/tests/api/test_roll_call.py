"""Who gives up whom, when the database was away for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from callclock_server.api.event_stream.roll_call import SILENT_SECONDS, RollCall
from callclock_server.bus import LocalBus
from callclock_server.storage import nodes
from callclock_server.storage.database import Database
from callclock_server.timekeeping import FakeClock


class Ticks:
    """The clock by which a node measures its own beats."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(database_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, clock=clock)
    yield opened
    await opened.close()


async def test_a_beat_that_waited_for_the_database_gives_nobody_up(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks()
    monkeypatch.setattr("callclock_server.api.event_stream.roll_call.time", ticks)

    def passes(seconds: float) -> None:
        ticks.now += seconds
        clock.advance(seconds)

    here, there = (
        RollCall(database, LocalBus(), node_id=name, cut_off=lambda: None) for name in ("here", "there")
    )
    for _ in range(10):
        await here.beat()
        await there.beat()
        passes(1.0)
    run, waits = database.run, [SILENT_SECONDS + 1]

    async def run_late(deed: Callable[[Any], Awaitable[Any]]) -> Any:
        if waits:
            passes(waits.pop())  # no connection is free, for any node
        return await run(deed)

    monkeypatch.setattr(database, "run", run_late)
    await here.beat()
    async with database.read() as tx:
        assert await nodes.living(tx) == {"here", "there"}
    for _ in range(10):
        passes(1.0)
        await here.beat()
    async with database.read() as tx:
        assert await nodes.living(tx) == {"here"}

"""Three real nodes, and each fault across a deadline (design rules 4 and 10).

Each time: ended exactly once and at the deadline, the right ledger and record, everybody told no later than a
second after the deadline or after the outage, no event twice or missing, nothing acknowledged lost.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from .faults import DATABASE_AWAY, FREEZE, KILL, NO_DATABASE, NO_ENGINE, NO_REDIS, REDIS_AWAY, Fault
from .stage import Stage
from .trial import Trial, path
from .verdict import promises_left

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize(
    ("fault", "before", "seconds"),
    [
        pytest.param(KILL, 0.0, 0.5, id="killed at the deadline"),
        pytest.param(FREEZE, 1.5, 5.0, id="asleep for five seconds"),
        pytest.param(NO_DATABASE, 1.0, 3.0, id="one cut off from PostgreSQL"),
        pytest.param(NO_REDIS, 1.0, 3.0, id="one cut off from Redis"),
        pytest.param(REDIS_AWAY, 1.0, 2.0, id="Redis killed"),
        pytest.param(DATABASE_AWAY, 0.5, 1.0, id="PostgreSQL restarted"),
    ],
)
async def test_calls_end_once_and_on_time(stage: Stage, fault: Fault, before: float, seconds: float) -> None:
    async with Trial.of(stage, seconds=4) as trial:
        await trial.until_before_the_end(before)
        await fault.strike(stage, 1, seconds)
        await trial.verdict()


@pytest.mark.parametrize(
    ("fault", "before", "seconds"),
    [
        pytest.param(NO_ENGINE, 1.0, 2.5, id="the engine cut off"),
        pytest.param(KILL, -0.01, 0.0, id="the node killed that closes the rooms"),
    ],
)
async def test_rooms_close_with_their_calls_or_with_the_return_of_the_engine(
    stage: Stage, fault: Fault, before: float, seconds: float
) -> None:
    async with Trial.of(stage, seconds=4, engine="livekit", calls=12) as trial:
        assert set(trial.rooms) <= stage.engine.rooms()
        await trial.until_before_the_end(before)
        strike = asyncio.create_task(fault.strike(stage, 1, seconds))
        if fault is NO_ENGINE:
            await strike  # the calls end all the same
        due = max(trial.deadline, time.time() if fault is NO_ENGINE else 0.0)
        late = await trial.rooms_close() - due
        assert late <= 1.0 + trial.stall.allowance()
        await strike
        assert await promises_left(stage.database_url, stage.engine) == []
        await trial.verdict()


async def test_extensions_through_all_nodes_add_up_and_repeated_keys_do_not(stage: Stage) -> None:
    async with Trial.of(stage, seconds=5, calls=1) as trial:
        (cid,) = trial.cids
        began = trial.deadline
        keys = [f"key-{n % 40}" for n in range(50)]
        done = await asyncio.gather(
            *(trial.extend(cid, seconds=60, key=key, first=n) for n, key in enumerate(keys))
        )
        assert all(done)
        assert all(len(ids) == 1 for ids in trial.journal.keys.values())
        state = await trial.backend.must("GET", path(cid))
        total = state["call"]["settings"]["limits"]["max_duration_seconds"]
        assert total == 5 + 40 * 60
        left = round(total - (time.time() - began + 5)) - 3
        assert await trial.extend(cid, seconds=-left, key="back again")
        await trial.verdict()


async def test_node_whose_clock_is_an_hour_wrong_ends_nothing_early_or_late(stage: Stage) -> None:
    wrong = stage.nodes[2]
    for skew_seconds in (3600, -3600):
        wrong.kill()
        await wrong.start(skew_seconds=skew_seconds)
        async with Trial.of(stage, seconds=3) as trial:
            assert await trial.extend(trial.cids[0], seconds=1, key="one more", first=2)
            await trial.verdict()
    wrong.kill()

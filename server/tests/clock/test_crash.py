"""Kill the process, at any moment: every call ends once, at its deadline (design rule 4).

The process is real, and so is SIGKILL.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.punctual
SCRIPT = Path(__file__).with_name("sweeping_process.py")


@asynccontextmanager
async def sweeping(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a sweeping process, wait until it says so, and kill it with SIGKILL in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"sweeping\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_all_ended(deadlines: Any, *, within_seconds: float) -> float:
    """Poll the table until every session has ended; return how long that took."""
    begin = time.monotonic()
    async with asyncio.timeout(within_seconds):
        while any(ended_at is None for _, ended_at in (await deadlines.ends()).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the sweeper is another process: its table is all there is to watch
    return time.monotonic() - begin


async def check(deadlines: Any, cids: list[str]) -> None:
    ends, log = await deadlines.ends(), await deadlines.log()
    for cid in cids:
        deadline, ended_at = ends[cid]
        assert ended_at == deadline
        assert log[cid] == [(1, "call.ended"), (2, "call.session_ended")]


async def test_deadline_while_the_process_is_down_is_kept_within_a_second_of_the_start(
    deadlines: Any,
) -> None:
    cids = await deadlines.arm("down", in_seconds=4, count=50)
    async with sweeping(deadlines.url) as process:
        process.kill()
        await process.wait()
    (deadline, _), *_ = (await deadlines.ends()).values()
    await asyncio.sleep(max(0.0, (deadline - datetime.now(UTC)).total_seconds()))
    assert all(ended_at is None for _, ended_at in (await deadlines.ends()).values())
    async with sweeping(deadlines.url):
        assert await until_all_ended(deadlines, within_seconds=10) < 1
    await check(deadlines, cids)


@pytest.mark.parametrize("milliseconds_after", [0, 4, 15])
async def test_kill_at_the_deadline_ends_everything_once(deadlines: Any, milliseconds_after: int) -> None:
    cids = await deadlines.arm("kill", in_seconds=4, count=200)
    (deadline, _), *_ = (await deadlines.ends()).values()
    async with sweeping(deadlines.url) as process:
        left = (deadline - datetime.now(UTC)).total_seconds() + milliseconds_after / 1000
        await asyncio.sleep(max(0.0, left))
        process.kill()
        await process.wait()
    async with sweeping(deadlines.url):
        await until_all_ended(deadlines, within_seconds=10)
    await check(deadlines, cids)


async def test_kills_at_random_moments_lose_and_double_nothing(deadlines: Any) -> None:
    moments = random.Random(20261123)
    cids = []
    for number in range(40):
        cids += await deadlines.arm(f"random{number}", in_seconds=1 + number / 8, count=5)
    for _ in range(3):
        async with sweeping(deadlines.url) as process:
            await asyncio.sleep(moments.uniform(0, 0.4))
            process.kill()
            await process.wait()
    async with sweeping(deadlines.url):
        await until_all_ended(deadlines, within_seconds=20)
    await check(deadlines, cids)

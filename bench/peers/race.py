"""Starts the peers one after the other and takes the time until the last watcher was told."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import redis.asyncio

from peers import job

GIVE_UP_SECONDS = 60.0
PEERS = {
    "APScheduler": ("apscheduler", "with_apscheduler", 8.0),
    "Celery": ("celery", "with_celery", 8.0),
    "procrastinate": ("procrastinate", "with_procrastinate", 6.0),
}


async def race(create: Callable[[str], str], *, redis_url: str, ends: int) -> list[dict[str, Any]]:
    """Let each peer end `ends` sessions in a database of its own; `create` makes one and returns its URL."""
    results = []
    for name, (package, module, ahead_seconds) in PEERS.items():
        url = create(f"peer_{package}")
        result = await _one(module, url, redis_url, ends=ends, ahead_seconds=ahead_seconds)
        setting = __import__(f"peers.{module}", fromlist=["SETTING"]).SETTING
        results.append({"name": f"{name} {version(package)}", "setting": setting, **result})
    return results


async def _one(module: str, url: str, redis_url: str, *, ends: int, ahead_seconds: float) -> dict[str, Any]:
    deadline = datetime.now(UTC) + timedelta(seconds=ahead_seconds + ends / 400)
    await asyncio.to_thread(job.prepare, url, ends=ends, deadline=deadline)
    watchers = redis.asyncio.Redis.from_url(redis_url)
    heard = watchers.pubsub()
    await heard.subscribe(*job.WATCHERS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"peers.{module}", url, redis_url, str(ends), str(deadline.timestamp())),
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(ahead_seconds * 4):
            assert await process.stdout.readline() == b"ready\n"
        late_start = datetime.now(UTC) > deadline
        told, last, load = 0, 0.0, 0.0
        until = deadline.timestamp() + GIVE_UP_SECONDS
        while told < ends * len(job.WATCHERS) and time.time() < until:
            message = await heard.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if message is not None:
                told, last = told + 1, time.time()
                load = load or os.getloadavg()[0]
        seconds = last - deadline.timestamp()
    finally:
        await _end(process)
        await heard.aclose()
        await watchers.aclose()
    return {
        "ends": ends,
        "told": told,
        "scheduled_late": late_start,
        "wrong": await asyncio.to_thread(job.wrong, url),
        "last_ms": 1000 * seconds,
        "ends_per_second": ends / seconds if seconds > 0 else 0.0,
        "load": round(load, 2),
    }


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its input, at which it ends what it has started; only then insist."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()


def report(results: list[dict[str, Any]], *, ours: float) -> None:
    """Print the table, and how many times the best of the others we make."""
    print("\nThe same job with others, in this run:")
    for one in results:
        faults = (
            ""
            if one["told"] == 2 * one["ends"] and not one["wrong"] and not one["scheduled_late"]
            else (f"; told {one['told']}, wrong {one['wrong']}, scheduled late: {one['scheduled_late']}")
        )
        print(
            f"  {one['name']}: {one['ends']:,} due at once, the last told after {one['last_ms']:,.0f} ms, "
            f"{one['ends_per_second']:,.0f} ends a second ({one['setting']}; load {one['load']}{faults})"
        )
    best = max(one["ends_per_second"] for one in results)
    print(f"  Callclock: {ours:,.0f} ends a second, {ours / best:.1f} times the best of them (target: 10)")

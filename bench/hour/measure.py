"""The measurements on PostgreSQL, and the tables they print."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from callclock_server.storage.database import Database
from callclock_server.storage.migrate import migrate
from callclock_server.testing.postgres import Postgres
from callclock_server.testing.redis import RedisServer
from peers import race

from hour import arming
from hour.nodes import Node, cpu_seconds, running_nodes
from hour.postgres import durable

READY_WITHIN_SECONDS = 300
AHEAD_SECONDS = 12.0
TARGET_MS = 1500


@dataclass(frozen=True)
class Stage:
    """What a measurement runs on."""

    server: Postgres
    url: str
    database: Database
    raw: asyncpg.Connection[Any]
    nodes: list[Node]


@asynccontextmanager
async def staged(server: Postgres, *, nodes: int, redis_url: str | None) -> AsyncIterator[Stage]:
    """A migrated database and server processes on it."""
    url = server.create_database("callclock")
    await migrate(url)
    database = await Database.open(url)
    raw = await asyncpg.connect(url)
    try:
        await arming.prepare(database)
        async with running_nodes(url, count=nodes, redis_url=redis_url) as running:
            yield Stage(server, url, database, raw, running)
    finally:
        await raw.close()
        await database.close()


async def burst(stage: Stage, prefix: str, *, ends: int, sockets: int) -> dict[str, Any]:
    """End `ends` sessions at one instant, two watchers each; return what the watchers and the tables say."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await arming.arm(stage.database, stage.raw, prefix, count=ends, deadline=tomorrow)
    watchers = await _watchers(stage.nodes, prefix, ends, sockets)
    try:
        assert watchers.stdin is not None
        assert watchers.stdout is not None
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            assert await watchers.stdout.readline() == b"ready\n"
        # Half a second after a full one: nothing else that wakes at full seconds is in the way.
        deadline = datetime.now(UTC).replace(microsecond=500_000) + timedelta(seconds=AHEAD_SECONDS)
        await arming.schedule(stage.raw, prefix, ends=ends, deadline=deadline)
        watchers.stdin.write(f"{deadline.timestamp()}\n".encode())
        used = _used(stage, watchers)
        await asyncio.sleep((deadline - datetime.now(UTC)).total_seconds())
        load = os.getloadavg()[0]
        planned = _used(stage, watchers)
        line = await watchers.stdout.readline()
        ended = _used(stage, watchers)
        result: dict[str, Any] = json.loads(line)
    finally:
        if watchers.returncode is None:
            watchers.kill()
        await watchers.wait()
    return {
        **result,
        "ends": ends,
        "load": round(load, 2),
        "ends_per_second": ends / (result["last_ms"] / 1000) if result["told"] else 0.0,
        "cpu_before": {name: round(planned[name] - used[name], 2) for name in used},
        "cpu_after": {name: round(ended[name] - planned[name], 2) for name in used},
        "faults": await arming.check(stage.raw, prefix, deadline=deadline),
    }


async def _watchers(nodes: list[Node], prefix: str, ends: int, sockets: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "hour.watchers", str(ends), str(sockets), prefix]
    return await asyncio.create_subprocess_exec(
        *(*command, *(str(node.port) for node in nodes)),
        cwd=Path(__file__).parent.parent,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def _used(stage: Stage, watchers: asyncio.subprocess.Process) -> dict[str, float]:
    return {
        "server": cpu_seconds([node.pid for node in stage.nodes]),
        "PostgreSQL": cpu_seconds([stage.server.pid]),
        "watchers": cpu_seconds([watchers.pid]),
    }


async def idle(stage: Stage, *, armed: int, seconds: float) -> dict[str, Any]:
    """Arm many sessions that are due tomorrow, and look at the CPU of the server and of PostgreSQL."""
    begin = time.monotonic()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await arming.arm(stage.database, stage.raw, "idle", count=armed, deadline=tomorrow, people=False)
    for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
        await stage.raw.execute(statement)
    arming_seconds = time.monotonic() - begin
    await asyncio.sleep(3)
    server, engine, at = (
        cpu_seconds([node.pid for node in stage.nodes]),
        cpu_seconds([stage.server.pid]),
        time.monotonic(),
    )
    await asyncio.sleep(seconds)
    span = time.monotonic() - at
    return {
        "armed": armed,
        "arming_seconds": arming_seconds,
        "server_percent": 100
        * (cpu_seconds([node.pid for node in stage.nodes]) - server)
        / span
        / len(stage.nodes),
        "postgresql_percent": 100 * (cpu_seconds([stage.server.pid]) - engine) / span,
    }


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run everything that was asked for."""
    results: dict[str, Any] = {"machine": machine(), "bursts": []}
    with durable() as server, RedisServer() as redis:
        results["machine"]["postgresql"] = server.execute("SHOW server_version")[0][0]
        report_machine(results["machine"])
        print(
            f"Server processes: {arguments.nodes}; watchers: two for each call, on {arguments.sockets} "
            "WebSockets of a load generator on the same machine",
            flush=True,
        )
        # One node needs no Redis; several tell each other through it.
        redis_url = redis.url() if arguments.nodes > 1 else None
        async with staged(server, nodes=arguments.nodes, redis_url=redis_url) as stage:
            for number in range(arguments.rounds):
                results["bursts"].append(
                    await burst(stage, f"b{number}", ends=arguments.burst, sockets=arguments.sockets)
                )
                report_burst("nothing else armed", results["bursts"][-1])
            if arguments.armed:
                results["idle"] = await idle(stage, armed=arguments.armed, seconds=arguments.idle_seconds)
                report_idle(results["idle"])
                results["bursts"].append(
                    await burst(stage, "armed", ends=arguments.burst, sockets=arguments.sockets)
                )
                report_burst(f"{arguments.armed:,} others armed", results["bursts"][-1])
        if arguments.peers:
            results["peers"] = await race.race(
                server.create_database, redis_url=redis.url(), ends=arguments.peers
            )
            race.report(results["peers"], ours=max(one["ends_per_second"] for one in results["bursts"]))
    return results


def machine() -> dict[str, Any]:
    """Return where this was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def report_machine(where: dict[str, Any]) -> None:
    """Print where this is measured."""
    print(
        f"{where['processor']}, {where['cores']} cores, load {where['load_1m']}, Python {where['python']}, "
        f"PostgreSQL {where['postgresql']} (fsync and synchronous_commit on)",
        flush=True,
    )


def report_burst(where: str, result: dict[str, Any]) -> None:
    """Print the figures of a burst beside the target."""
    print(
        f"{result['ends']:,} due at once, {where}: last call.ended after {result['last_ms']:.0f} ms "
        f"(target: {TARGET_MS}), median {result['median_ms']:.0f} ms, "
        f"{result['ends_per_second']:,.0f} ends a second; "
        f"early {result['early']}, missing {result['missing']}, twice {result['twice']}, "
        f"disordered {result['disordered']}, faults {result['faults'] or 'none'}; load {result['load']}"
    )
    print(
        f"  CPU seconds before the deadline {result['cpu_before']}, after it {result['cpu_after']}",
        flush=True,
    )


def report_idle(result: dict[str, Any]) -> None:
    """Print what a server does when nothing is due."""
    print(
        f"{result['armed']:,} armed, nothing due: {result['server_percent']:.2f} % CPU of a server process "
        f"(target: 1 %), {result['postgresql_percent']:.2f} % of PostgreSQL",
        flush=True,
    )

"""What one call costs on PostgreSQL and Redis, measured, and what a million at once would cost, computed.

    .venv/bin/python bench/sizing.py                 measure here, then print both tables (about a minute)
    .venv/bin/python bench/sizing.py --calls 1000    with more calls

One server process on loopback, everything real but the media (engine `none`): calls are created, joined by
two, extended once and ended, over HTTP; then event streams are opened and left alone. docs/sizing.md explains
the arithmetic.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import psutil
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).parent))

from callclock_server.storage import events
from callclock_server.storage.database import Database
from callclock_server.storage.migrate import migrate
from callclock_server.testing.redis import RedisServer
from hour import postgres
from hour.nodes import KEY, SECRET, Node, cpu_seconds, running_nodes

AT_ONCE = 8
IDLE_SECONDS = 25.0
HEAD_READS = 40
TABLES = ("calls", "members", "sessions", "participants", "ledger", "events")

# -- what is assumed, and not measured -----------------------------------------------------------------------

CALL_SECONDS = 3000.0  # an appointment of 50 minutes
STREAMS_PER_CALL = 2.0  # one page for each person
NODE_CPU = 0.6  # of the one core that a process uses
POOL = 10  # PostgreSQL connections of a process
MEDIA_PACKETS_PER_CALL = 1031.0  # in and out, two people with 720p: bench/media.py, docs/performance.md
# LiveKit's own benchmark ("large meeting", 16 cores at 85 %): packets a second in and out. Half of it, since
# others got half (livekit/livekit issue 3285).
LIVEKIT_PACKETS = (51_068 + 762_749) / 2
LIVEKIT_CORES = 16


@dataclass(frozen=True)
class Cost:
    """What was measured. CPU in seconds of one core."""

    server_cpu: float
    postgres_cpu: float
    wal_bytes: float
    disk_bytes: float
    transactions: float
    redis_messages: float
    rows: dict[str, float]
    stream_bytes: float
    stream_cpu: float
    """For one second of one stream."""
    idle_cpu: float
    """For one second of a process to which nothing happens."""
    head_cpu: float
    head_postgres_cpu: float
    """For one line of the event log that a process reads to see whether it has missed it."""

    @property
    def events(self) -> float:
        return self.rows["events"]


async def measure(*, calls: int, streams: int) -> Cost:
    """Run the calls, then hold the streams."""
    with postgres.running() as database, RedisServer() as redis:
        url = database.create("sizing")
        await migrate(url)
        async with running_nodes(url, count=1, redis_url=redis.url()) as [node]:
            async with client(node) as http:
                await prepare(http, streams)
                await run_calls(http, range(20), prefix="warm")
                before = reading(database, redis, node)
                await run_calls(http, range(calls), prefix="call")
                after = reading(database, redis, node)
            per_call = {name: (after[name] - before[name]) / calls for name in before}
            stream_bytes, stream_cpu, idle_cpu = await hold_streams(node, streams)
            head_cpu, head_postgres_cpu = await read_heads(url, database)
    return Cost(
        server_cpu=per_call["server_cpu"],
        postgres_cpu=per_call["postgres_cpu"],
        wal_bytes=per_call["wal"],
        disk_bytes=per_call["disk"],
        transactions=per_call["transactions"],
        redis_messages=per_call["redis"],
        rows={table: per_call[table] for table in TABLES},
        stream_bytes=stream_bytes,
        stream_cpu=stream_cpu,
        idle_cpu=idle_cpu,
        head_cpu=head_cpu,
        head_postgres_cpu=head_postgres_cpu,
    )


def client(node: Node) -> httpx.AsyncClient:
    token = jwt.encode({"server": True}, SECRET, algorithm="HS256")
    headers = {"X-Api-Key": KEY, "Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", headers=headers, timeout=60)


async def post(http: httpx.AsyncClient, path: str, body: object) -> None:
    (await http.post(path, json=body)).raise_for_status()


async def prepare(http: httpx.AsyncClient, streams: int) -> None:
    users = {name: {"id": name} for name in ("doctor", "patient")}
    await post(http, "/v1/users", {"users": users})
    settings = {"limits": {"max_duration_seconds": 3600}, "media": {"engine": "none"}}
    await post(
        http, "/v1/call_types", {"name": "visit", "grants": {"user": ["join-call"]}, "settings": settings}
    )
    for number in range(streams):
        data = {"created_by_id": "doctor", "members": [{"user_id": "doctor"}]}
        await post(http, f"/v1/calls/visit/watched-{number}", {"data": data})


async def run_calls(http: httpx.AsyncClient, numbers: Sequence[int], *, prefix: str) -> None:
    """Whole lives of calls, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def live(number: int) -> None:
        path = f"/v1/calls/visit/{prefix}-{number}"
        members = [{"user_id": "doctor"}, {"user_id": "patient"}]
        async with gate:
            await post(http, path, {"data": {"created_by_id": "doctor", "members": members}})
            for user in ("doctor", "patient"):
                await post(http, f"{path}/join", {"user_id": user})
            await post(http, f"{path}/extend", {"seconds": 900})
            await post(http, f"{path}/end", {})

    await asyncio.gather(*(live(number) for number in numbers))


def reading(database: postgres.Postgres, redis: RedisServer, node: Node) -> dict[str, float]:
    """All counters at this moment."""
    database.sql("CHECKPOINT")
    tables = " ".join(f"|| ' ' || (SELECT count(*) FROM {table})" for table in TABLES)
    told = database.sql(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') || ' ' || pg_database_size('sizing') || ' ' ||"
        " (SELECT xact_commit FROM pg_stat_database WHERE datname = 'sizing') " + tables,
        "sizing",
    ).split()
    values = dict(zip(("wal", "disk", "transactions", *TABLES), map(float, told), strict=True))
    values["server_cpu"] = cpu_seconds([node.pid])
    values["postgres_cpu"] = cpu_seconds([database.pid])
    values["redis"] = float(published(redis))
    return values


def published(redis: RedisServer) -> int:
    """How many messages Redis was given until now."""
    from redis import Redis

    with Redis.from_url(redis.url()) as connection:
        stats = connection.info("commandstats")
    return sum(int(each["calls"]) for name, each in stats.items() if name == "cmdstat_publish")


async def read_heads(url: str, database: postgres.Postgres) -> tuple[float, float]:
    """CPU seconds, here and in PostgreSQL, for each head of the log that is read as `Follower` reads it."""
    opened = await Database.open(url)
    try:
        seen, own, its = 0, time.process_time(), cpu_seconds([database.pid])
        for _ in range(HEAD_READS):
            async with opened.read() as tx:
                seen += len(await events.heads(tx, after_position=0, limit=2000))
        return (time.process_time() - own) / seen, (cpu_seconds([database.pid]) - its) / seen
    finally:
        await opened.close()


async def hold_streams(node: Node, count: int) -> tuple[float, float, float]:
    """Bytes of memory of a stream, and CPU seconds in a second: of an idle stream, of an idle process."""
    process = psutil.Process(node.pid)
    quiet_from, quiet_cpu = time.monotonic(), cpu_seconds([node.pid])
    await asyncio.sleep(IDLE_SECONDS / 2)
    alone = (cpu_seconds([node.pid]) - quiet_cpu) / (time.monotonic() - quiet_from)
    before = process.memory_info().rss
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(stream(node, number)) for number in range(count)]
        readers = [asyncio.create_task(drain(socket)) for socket in sockets]
        size = process.memory_info().rss - before
        began, cpu = time.monotonic(), cpu_seconds([node.pid])
        await asyncio.sleep(IDLE_SECONDS)
        used = (cpu_seconds([node.pid]) - cpu) / (time.monotonic() - began)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return size / count, max(0.0, used - alone) / count, alone


class stream:  # noqa: N801 - used like a function
    """An authenticated stream that watches one call."""

    def __init__(self, node: Node, number: int) -> None:
        self._connect = connect(f"ws://127.0.0.1:{node.port}/v1/events", compression=None, proxy=None)
        self._number = number

    async def __aenter__(self) -> ClientConnection:
        socket = await self._connect.__aenter__()
        token = jwt.encode({"server": True}, SECRET, algorithm="HS256")
        await socket.send(json.dumps({"type": "auth", "api_key": KEY, "token": token}))
        await socket.recv()
        await socket.send(json.dumps({"type": "watch", "cids": [f"visit:watched-{self._number}"]}))
        await socket.recv()
        return socket

    async def __aexit__(self, *error: object) -> None:
        await self._connect.__aexit__(*error)  # type: ignore[arg-type]


async def drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def print_cost(cost: Cost, *, calls: int, streams: int) -> None:
    rows = ", ".join(f"{value:.0f} {table}" for table, value in cost.rows.items())
    print(f"One call ({calls} calls; created, joined twice, extended, ended):\n")
    print("| what | measured |\n|---|---|")
    print(f"| CPU of the server process | {cost.server_cpu * 1000:.0f} ms |")
    print(f"| CPU of PostgreSQL | {cost.postgres_cpu * 1000:.0f} ms |")
    print(f"| transactions | {cost.transactions:.0f} |")
    print(f"| WAL | {cost.wal_bytes / 1000:.0f} kB |")
    print(f"| tables and indexes | {cost.disk_bytes / 1000:.0f} kB |")
    print(f"| rows | {rows} |")
    print(f"| messages through Redis | {cost.redis_messages:.1f} |")
    print(f"\nOne event stream ({streams} streams, nothing happening):\n")
    print("| what | measured |\n|---|---|")
    print(f"| memory of the server process | {cost.stream_bytes / 1000:.0f} kB |")
    print(f"| CPU | {cost.stream_cpu * 1e6:.0f} µs a second |")
    print("\nOne process:\n")
    print("| what | measured |\n|---|---|")
    print(f"| CPU when nothing happens | {cost.idle_cpu * 1000:.1f} ms a second |")
    print(f"| CPU for a line of the event log, to see whether it was missed | {cost.head_cpu * 1e6:.1f} µs |")
    print(f"| the same in PostgreSQL | {cost.head_postgres_cpu * 1e6:.1f} µs |")


def print_growth(cost: Cost, sizes: Sequence[int]) -> None:
    print(f"\n| calls at once | {' | '.join(f'{size:,}' for size in sizes)} |\n|---|{'---|' * len(sizes)}")

    def line(name: str, values: Sequence[float], form: str = ",.0f") -> None:
        print(f"| {name} | {' | '.join(format(value, form) for value in values)} |")

    starts = [size / CALL_SECONDS for size in sizes]
    streams = [size * STREAMS_PER_CALL for size in sizes]
    work = [
        rate * cost.server_cpu + held * cost.stream_cpu for rate, held in zip(starts, streams, strict=True)
    ]
    # Every process reads the heads of all events, whoever made them.
    heads = [rate * cost.events for rate in starts]
    own = [cost.idle_cpu + rate * cost.head_cpu for rate in heads]
    processes = [
        max(2, math.ceil(core / (NODE_CPU - overhead))) for core, overhead in zip(work, own, strict=True)
    ]
    cores = [core + count * overhead for core, count, overhead in zip(work, processes, own, strict=True)]
    reading = [rate * count * cost.head_postgres_cpu for rate, count in zip(heads, processes, strict=True)]
    line("calls that start in a second", starts, ",.1f")
    line("event streams", streams)
    line("cores of Callclock", cores, ",.1f")
    line("processes", processes)
    line("memory of streams, GB", [held * cost.stream_bytes / 1e9 for held in streams], ",.1f")
    line("PostgreSQL: transactions a second", [rate * cost.transactions for rate in starts])
    line(
        "PostgreSQL: cores",
        [rate * cost.postgres_cpu + more for rate, more in zip(starts, reading, strict=True)],
        ",.1f",
    )
    line("events a second", heads)
    line("PostgreSQL: connections", [count * POOL for count in processes])
    line("PostgreSQL: WAL, MB a second", [rate * cost.wal_bytes / 1e6 for rate in starts], ",.1f")
    line("PostgreSQL: growth, GB a day", [rate * 86_400 * cost.disk_bytes / 1e9 for rate in starts], ",.1f")
    line("Redis: messages a second", [rate * cost.redis_messages for rate in starts])
    packets = [size * MEDIA_PACKETS_PER_CALL for size in sizes]
    line("media: packets a second, millions", [each / 1e6 for each in packets], ",.1f")
    line(f"LiveKit nodes of {LIVEKIT_CORES} cores", [math.ceil(each / LIVEKIT_PACKETS) for each in packets])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--streams", type=int, default=1000)
    options = parser.parse_args()
    cost = asyncio.run(measure(calls=options.calls, streams=options.streams))
    print_cost(cost, calls=options.calls, streams=options.streams)
    print_growth(cost, [1_000, 10_000, 100_000, 1_000_000])


if __name__ == "__main__":
    main()

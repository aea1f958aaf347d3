"""How punctual is the session clock? Prints three figures, with the machine they were measured on.

    python bench/clock.py            watchers inside the process, on the local bus
    python bench/clock.py --http     watchers on the event stream of a real server process, over WebSockets
    python bench/clock.py --postgres the top of the hour on PostgreSQL, beside its peers (package `hour`)

1. 100,000 armed sessions, nothing due: CPU of the process. They stay armed during the rest.
2. 100 ends a second, spread over time: delay from the deadline to the watcher's hands.
3. 2,000 sessions due at the same instant: when the last of their ends has been told.

SQLite in a temporary folder, engine `none`, two watchers and two participants for each call. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import orjson
import psutil
import sqlalchemy as sa
import uvloop
from callclock_server.bus import LocalBus, call_channel, connect
from callclock_server.calls.times import rfc3339
from callclock_server.clock import Sweeper
from callclock_server.domain.call import Call
from callclock_server.storage import calls as stored_calls
from callclock_server.storage import participants, sessions, tables
from callclock_server.storage.database import Database, EventRow
from callclock_server.storage.migrate import migrate
from callclock_server.testing.ports import free_port
from hour.arming import armed_session, prepare
from hour.nodes import until_listening
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_socket

END = "call.session_ended"
WATCHERS = 2


@dataclass
class Watching:
    """Notes when each end reached each watcher."""

    expected: int
    arrivals: dict[str, list[datetime]] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    def arrived(self, cid: str) -> None:
        self.arrivals.setdefault(cid, []).append(datetime.now(UTC))
        self.count += 1
        if self.count >= self.expected:
            self.done.set()


def watch_local(bus: LocalBus, cids: list[str]) -> Watching:
    """Subscribe watchers that render every event, as the event stream does."""
    watching = Watching(len(cids) * WATCHERS)

    def receive(rows: tuple[EventRow, ...]) -> None:
        for row in rows:
            row.render(rfc3339(datetime.now(UTC)))
            if row.type == END:
                watching.arrived(row.cid)

    for cid in cids:
        for _ in range(WATCHERS):
            bus.subscribe(call_channel(cid), receive)
    return watching


async def arm(
    database: Database, prefix: str, deadlines: list[datetime], *, people: bool = True
) -> list[str]:
    """Insert a call with a running session for each deadline; tell the sweepers; return the cids."""
    cids = []
    for begin in range(0, len(deadlines), 5000):
        call_rows, session_rows, people_rows = [], [], []
        for number, deadline in enumerate(deadlines[begin : begin + 5000], start=begin):
            call_id = f"{prefix}-{number}"
            cid = f"bench:{call_id}"
            session = armed_session(call_id, deadline=deadline, people=people)
            call = Call(
                cid=cid,
                type="bench",
                id=call_id,
                created_by_id="ann",
                created_at=session.started_at,
                updated_at=session.started_at,
                last_session_id=session.id,
            )
            cids.append(cid)
            call_rows.append({name: getattr(call, name) for name in stored_calls.FIELDS})
            session_rows.append(sessions.to_row(session))
            people_rows += [participants.to_row(person) for person in session.participants]
        async with database.write() as tx:
            await tx.execute(tables.calls.insert(), call_rows)
            await tx.execute(tables.sessions.insert(), session_rows)
            if people_rows:
                await tx.execute(tables.participants.insert(), people_rows)
            tx.hint.alarm(min(row["next_alarm_at"] for row in session_rows))
    return cids


async def schedule(database: Database, cids: list[str], deadlines: list[datetime]) -> None:
    """Give armed sessions their deadlines, now that the watchers are ready."""
    columns = tables.sessions.c
    update = tables.sessions.update().where(columns.cid == sa.bindparam("of"))
    times = {
        name: sa.bindparam(name, type_=columns[name].type)
        for name in ("started_at", "timer_ends_at", "next_alarm_at")
    }
    rows = [
        {"of": cid, "started_at": at - timedelta(hours=1), "timer_ends_at": at, "next_alarm_at": at}
        for cid, at in zip(cids, deadlines, strict=True)
    ]
    async with database.write() as tx:
        await tx.execute(update.values(times), rows)
        tx.hint.alarm(min(deadlines))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the others lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def delays(watching: Watching, deadlines: dict[str, datetime]) -> list[float]:
    """Return the delay of each end at each watcher, in milliseconds."""
    return [
        (moment - deadlines[cid]).total_seconds() * 1000
        for cid, moments in watching.arrivals.items()
        for moment in moments
    ]


Watch = Callable[[list[str]], Awaitable[Watching]]


async def measure_spread(database: Database, watch: Watch, *, seconds: int, rate: int) -> dict[str, Any]:
    """End `rate` sessions a second for `seconds`."""
    cids = await arm(database, "spread", [tomorrow()] * (seconds * rate))
    watching = await watch(cids)
    begin = datetime.now(UTC) + timedelta(seconds=2.5)
    deadlines = [begin + timedelta(seconds=number / rate) for number in range(len(cids))]
    await schedule(database, cids, deadlines)
    await asyncio.wait_for(watching.done.wait(), seconds + 30)
    late = delays(watching, dict(zip(cids, deadlines, strict=True)))
    return {
        "ends": len(cids),
        "p50_ms": percentile(late, 0.5),
        "p99_ms": percentile(late, 0.99),
        "max_ms": max(late),
        "early": sum(value < 0 for value in late),
    }


async def measure_burst(database: Database, watch: Watch, *, sessions_due: int) -> dict[str, Any]:
    """End many sessions at one instant."""
    cids = await arm(database, "burst", [tomorrow()] * sessions_due)
    watching = await watch(cids)
    deadline = datetime.now(UTC) + timedelta(seconds=3)
    await schedule(database, cids, [deadline] * sessions_due)
    await asyncio.wait_for(watching.done.wait(), 60)
    late = delays(watching, dict.fromkeys(cids, deadline))
    return {"ends": len(cids), "median_ms": percentile(late, 0.5), "last_ms": max(late)}


def tomorrow() -> datetime:
    """Return a moment at which this has ended."""
    return datetime.now(UTC) + timedelta(days=1)


async def measure_idle(
    database: Database, process: psutil.Process, *, armed: int, seconds: int
) -> dict[str, Any]:
    """Arm many sessions that are due tomorrow, and look at the process's CPU."""
    due = tomorrow()
    await arm(database, "idle", [due + timedelta(milliseconds=n) for n in range(armed)], people=False)
    await asyncio.sleep(2)
    gc.collect()
    before, begin = sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(seconds)
    used = sum(process.cpu_times()[:2]) - before
    return {"armed": armed, "cpu_percent": 100 * used / (time.monotonic() - begin)}


@asynccontextmanager
async def local(url: str) -> AsyncIterator[tuple[Database, Watch, psutil.Process]]:
    """A database and a sweeper in this process, with watchers on the local bus."""
    database = await Database.open(url)
    bus = LocalBus()
    connect(database, bus)
    sweeping = asyncio.create_task(Sweeper(database, bus).run())

    async def watch(cids: list[str]) -> Watching:
        return watch_local(bus, cids)

    try:
        yield database, watch, psutil.Process()
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await database.close()


SERVER_PROGRAM = """
import sys, uvicorn
from callclock_server.api.serving import uvicorn_config
from callclock_server.app import create_app
from callclock_server.settings import Settings
url, port, secret = sys.argv[1:]
app = create_app(Settings(keys={"bench": secret}, database_url=url, port=int(port), log_level="error"))
uvicorn.Server(uvicorn_config(app, host="127.0.0.1", port=int(port))).run()
"""
SECRET = "only-for-this-bench-0123456789abcdef"


@asynccontextmanager
async def stream(url: str, *, sockets: int) -> AsyncIterator[tuple[Database, Watch, psutil.Process]]:
    """A real server process on the same file; watchers on its event stream, spread over `sockets` sockets."""
    port = free_port()
    command: list[str] = [sys.executable, "-c", SERVER_PROGRAM, url, str(port), SECRET]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    database = await Database.open(url)
    readers: list[asyncio.Task[None]] = []
    try:
        await until_listening(port, process)

        async def watch(cids: list[str]) -> Watching:
            watching = Watching(len(cids) * WATCHERS)
            every = min(sockets, len(cids) * WATCHERS)
            shares: list[list[str]] = [[] for _ in range(every)]
            for number, cid in enumerate(cid for cid in cids for _ in range(WATCHERS)):
                shares[number % every].append(cid)
            for begin in range(0, every, 50):
                group = shares[begin : begin + 50]
                opened = await asyncio.gather(*(open_stream(port, share) for share in group))
                readers.extend(asyncio.create_task(read_stream(socket, watching)) for socket in opened)
            return watching

        yield database, watch, psutil.Process(process.pid)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        await database.close()
        process.terminate()
        await process.wait()


async def open_stream(port: int, cids: list[str]) -> ClientConnection:
    """Open an event stream and watch calls; return when the server has confirmed it."""
    opened = await connect_socket(
        f"ws://127.0.0.1:{port}/v1/events", compression=None, max_size=None, max_queue=None
    )
    token = jwt.encode({"server": True}, SECRET, algorithm="HS256")
    await opened.send(json.dumps({"type": "auth", "api_key": "bench", "token": token}))
    await opened.send(json.dumps({"type": "watch", "cids": cids}))
    async for message in opened:
        if '"watch.ok"' in str(message)[:200]:
            return opened
    raise RuntimeError("the server closed the event stream")


async def read_stream(opened: ClientConnection, watching: Watching) -> None:
    """Note the ends that arrive, until cancelled."""
    async with opened:
        async for message in opened:
            if END in str(message[:300]):
                watching.arrived(orjson.loads(message)["cid"])


def machine() -> dict[str, Any]:
    """Return where this was measured."""
    return {
        "machine": platform.node(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_1m": round(os.getloadavg()[0], 2),
    }


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the three measurements on a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite'}"
        await migrate(url)
        opened = stream(url, sockets=arguments.sockets) if arguments.http else local(url)
        async with opened as (database, watch, process):
            await prepare(database)
            watchers = f"{arguments.sockets} WebSockets" if arguments.http else "in process, local bus"
            gc.collect()
            gc.freeze()
            return {
                **machine(),
                "watchers": watchers,
                "idle": await measure_idle(
                    database, process, armed=arguments.armed, seconds=arguments.idle_seconds
                ),
                "spread": await measure_spread(database, watch, seconds=arguments.seconds, rate=100),
                "burst": await measure_burst(database, watch, sessions_due=arguments.burst),
            }


def report(result: dict[str, Any]) -> None:
    """Print the figures beside their targets."""
    spread, burst, idle = result["spread"], result["burst"], result["idle"]
    print(
        f"{result['machine']}: {result['cores']} cores, load {result['load_1m']}, Python {result['python']}, "
        f"SQLite {result['sqlite']}; watchers: {result['watchers']}"
    )
    print(
        f"{spread['ends']} ends, 100 a second: p50 {spread['p50_ms']:.1f} ms, p99 {spread['p99_ms']:.1f} ms, "
        f"max {spread['max_ms']:.1f} ms, early {spread['early']} (target: p99 25 ms)"
    )
    print(f"{burst['ends']} due at once: last told after {burst['last_ms']:.0f} ms (target: 1,000 ms)")
    print(f"{idle['armed']} armed, nothing due: {idle['cpu_percent']:.2f} % CPU (target: 1 %)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--http", action="store_true", help="watch through the event stream of a server process"
    )
    parser.add_argument(
        "--sockets", type=int, default=200, help="event streams among which the watchers are spread"
    )
    parser.add_argument("--seconds", type=int, default=10, help="length of the spread measurement")
    parser.add_argument("--burst", type=int, help="default 2,000, with --postgres 10,000")
    parser.add_argument("--armed", type=int, help="default 100,000, with --postgres 1,000,000")
    parser.add_argument("--idle-seconds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--postgres", action="store_true", help="the top of the hour on PostgreSQL, beside its peers"
    )
    parser.add_argument("--nodes", type=int, default=1, help="with --postgres: server processes")
    parser.add_argument("--rounds", type=int, default=1, help="with --postgres: bursts before arming")
    parser.add_argument(
        "--peers", type=int, default=2000, help="with --postgres: ends for each peer, 0 for none"
    )
    arguments = parser.parse_args()
    if arguments.burst is None:
        arguments.burst = 10_000 if arguments.postgres else 2_000
    if arguments.armed is None:
        arguments.armed = 1_000_000 if arguments.postgres else 100_000
    if arguments.postgres:
        # The peers and what they need are installed by `make bench-deps`; the rest goes without.
        from hour import measure as hour

        uvloop.run(hour.measure(arguments))
        return
    result = uvloop.run(measure(arguments))
    if arguments.json:
        json.dump(result, sys.stdout, indent=2)
    else:
        report(result)


if __name__ == "__main__":
    main()

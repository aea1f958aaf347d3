"""One event to thousands of WebSockets, beside a bare broadcast of the `websockets` library."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import jwt
from callclock_server.calls import create
from callclock_server.domain.permissions import SERVER
from callclock_server.storage.database import Database
from callclock_server.testing.ports import free_port
from hour.nodes import KEY, SECRET, Node

CALL = "fan-out"
READY_WITHIN_SECONDS = 240
EVENT_BYTES = 1_300


async def measure(database: Database, node: Node, *, sockets: int, rounds: int) -> dict[str, Any]:
    """Send `rounds` events to all sockets, first through Callclock, then by the bare server."""
    async with database.write() as tx:
        await create.get_or_create_call(tx, SERVER, type="bench", id=CALL, data={"created_by_id": "ann"})
    token = jwt.encode({"server": True}, SECRET, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}", "X-Api-Key": KEY}
    url = f"http://127.0.0.1:{node.port}/v1/calls/bench/{CALL}"
    async with (
        httpx.AsyncClient(headers=headers) as client,
        _process("serving.listeners", node.port, "/v1/events", sockets, f"bench:{CALL}") as listeners,
    ):

        async def change() -> float:
            begin = time.time()
            answer = await client.patch(url, json={"custom": {"at": begin}})
            answer.raise_for_status()
            return begin

        ours = await _rounds(listeners, change, rounds)
    port = free_port()
    async with (
        _process("serving.bare", port, EVENT_BYTES) as server,
        _process("serving.listeners", port, "/", sockets) as listeners,
    ):

        async def broadcast() -> float:
            return float(await _say(server))

        bare = await _rounds(listeners, broadcast, rounds)
    return {"sockets": sockets, "rounds": rounds, "ms": ours, "bare_ms": bare}


async def _rounds(
    listeners: asyncio.subprocess.Process, send: Callable[[], Awaitable[float]], rounds: int
) -> list[float]:
    """Send one event after the other; return for each the milliseconds until the last socket had it."""
    took = []
    assert listeners.stdout is not None
    for _ in range(rounds):
        await _say(listeners)  # it answers: go
        begin = await send()
        async with asyncio.timeout(60):
            took.append(1000 * (float(await listeners.stdout.readline()) - begin))
    return took


async def _say(process: asyncio.subprocess.Process) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    return (await process.stdout.readline()).decode()


@asynccontextmanager
async def _process(module: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a module as a process, wait until it is ready, and end it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)),
        cwd=Path(__file__).parent.parent,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{module} did not start")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def report(result: dict[str, Any]) -> None:
    """Print the fan-out beside the bare one."""
    ours, bare = median(result["ms"]), median(result["bare_ms"])
    print(
        f"An event to {result['sockets']:,} WebSockets, median of {result['rounds']}: the last had it after "
        f"{ours:.0f} ms (from the request that caused it, its transaction included), "
        f"after {bare:.0f} ms from a bare websockets broadcast; {ours / bare:.2f} times",
        flush=True,
    )

"""Server processes, and the CPU seconds that processes use."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from callclock_server.testing.ports import free_port

SECRET = "only-for-this-bench-0123456789abcdef"
KEY = "bench"
READY_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Node:
    """A `callclock serve` of its own."""

    port: int
    pid: int


@asynccontextmanager
async def running_nodes(url: str, *, count: int, redis_url: str | None = None) -> AsyncIterator[list[Node]]:
    """Start `callclock serve` processes on one database; stop them in the end."""
    processes: list[asyncio.subprocess.Process] = []
    nodes: list[Node] = []
    try:
        for _ in range(count):
            port = free_port()
            processes.append(await _serve(url, port, redis_url))
            nodes.append(Node(port, processes[-1].pid))
        for node, process in zip(nodes, processes, strict=True):
            await until_listening(node.port, process)
        yield nodes
    finally:
        for process in processes:
            if process.returncode is None:
                process.terminate()
        for process in processes:
            await process.wait()


async def _serve(url: str, port: int, redis_url: str | None) -> asyncio.subprocess.Process:
    settings = {
        "CALLCLOCK_KEYS": f"{KEY}:{SECRET}",
        "CALLCLOCK_DATABASE_URL": url,
        "CALLCLOCK_LOG_LEVEL": "error",
        "CALLCLOCK_MEDIA_HOST": "127.0.0.1",
        "CALLCLOCK_MEDIA_ADDRESSES": "127.0.0.1",
    }
    if redis_url is not None:
        settings["CALLCLOCK_REDIS_URL"] = redis_url
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLCLOCK_")}
    return await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("callclock"), "serve", "--host", "127.0.0.1", "--port", str(port)),
        env={**kept, **settings},
        stdout=asyncio.subprocess.DEVNULL,
    )


async def until_listening(port: int, process: asyncio.subprocess.Process) -> None:
    """Wait until a server accepts connections."""
    async with asyncio.timeout(READY_WITHIN_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
    raise RuntimeError("the server did not start")


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return what processes and all their children, dead ones too, have used until now."""
    total = 0.0
    for pid in pids:
        process = psutil.Process(pid)
        total += sum(process.cpu_times()[:4])
        for child in process.children(recursive=True):
            try:
                total += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
    return total

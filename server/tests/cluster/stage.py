"""Three nodes, one PostgreSQL, one Redis, one media engine, and a proxy before all that a node needs."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from callclock_server.storage.migrate import migrate
from callclock_server.testing import API_KEY, SECRET, server_token
from callclock_server.testing.postgres import Postgres
from callclock_server.testing.redis import RedisServer

from .engine import Engine
from .proxy import Proxies, Proxy

READY_WITHIN_SECONDS = 90.0
_SERVE = [sys.executable, "-c", "from callclock_server.cli import main; main()"]
_SKEWED = [sys.executable, str(Path(__file__).with_name("skewed_node.py"))]


@dataclass
class Outage:
    """Something that did not work, and for how long (seconds of the wall clock)."""

    name: str
    began: float
    ended: float = float("inf")


class Node:
    """One `callclock serve`, with its own ways to the database, to Redis and to the media engine."""

    def __init__(self, name: str, environ: dict[str, str], *, to_database: Proxy, to_redis: Proxy) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.name = name
        self.url = f"http://127.0.0.1:{self.port}"
        self.to_database = to_database
        self.to_redis = to_redis
        self.log = Path(environ["CALLCLOCK_DATA_DIR"]) / f"{name}.log"
        self._environ = environ
        self._process: subprocess.Popen[str] | None = None

    def begin(self, *, skew_seconds: int = 0) -> None:
        """Start without waiting."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CALLCLOCK_")}
        program = [*_SKEWED, str(skew_seconds)] if skew_seconds else _SERVE
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*program, "serve", "--port", str(self.port)],
                env=clean | self._environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait(self) -> None:
        """Wait until requests are accepted."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        stdout = process.stdout
        threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
        if "accepts requests" not in lines.get(timeout=READY_WITHIN_SECONDS):
            raise RuntimeError(f"{self.name} did not start: {self.log.read_text()[-3000:]}")

    async def start(self, *, skew_seconds: int = 0) -> None:
        """Start, and wait without holding the loop."""
        self.begin(skew_seconds=skew_seconds)
        await asyncio.to_thread(self.wait)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@dataclass
class Stage:
    """Everything that runs. `with Stage() as stage`."""

    size: int = 3
    logs: Path | None = None
    nodes: list[Node] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _build(self) -> None:
        self.postgres = self._stack.enter_context(Postgres())
        self.redis = self._stack.enter_context(RedisServer())
        self.proxies = Proxies()
        self.proxies.start()
        self._stack.callback(self.proxies.stop)
        self.engine = self._stack.enter_context(Engine())
        self.to_engine = self.proxies.open(lambda: self.engine.port)
        self.database_url = self.postgres.create_database("cluster")
        asyncio.run(migrate(self.database_url))
        folder = self.logs or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="callclock-cluster-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.size):
            self.nodes.append(self._node(f"node{number + 1}", folder))
            self._stack.callback(self.nodes[-1].kill)
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait()

    def _node(self, name: str, folder: Path) -> Node:
        to_database = self.proxies.open(lambda: self.postgres.port)
        to_redis = self.proxies.open(lambda: self.redis.port)
        environ = {
            "CALLCLOCK_KEYS": f"{API_KEY}:{SECRET}",
            "CALLCLOCK_DATABASE_URL": f"postgresql://callclock@127.0.0.1:{to_database.port}/cluster",
            "CALLCLOCK_REDIS_URL": f"redis://127.0.0.1:{to_redis.port}/0",
            "CALLCLOCK_LIVEKIT_URL": f"http://127.0.0.1:{self.to_engine.port}",
            "CALLCLOCK_LIVEKIT_API_KEY": self.engine.key,
            "CALLCLOCK_LIVEKIT_API_SECRET": self.engine.secret,
            "CALLCLOCK_RECONCILE_SECONDS": "2",
            "CALLCLOCK_DATA_DIR": str(folder),
        }
        return Node(name, environ, to_database=to_database, to_redis=to_redis)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextmanager
    def outage(self, name: str) -> Iterator[Outage]:
        """Note that something does not work during the block."""
        noted = Outage(name, time.time())
        self.outages.append(noted)
        try:
            yield noted
        finally:
            noted.ended = time.time()

    @asynccontextmanager
    async def healed(self) -> AsyncIterator[None]:
        """After the block everything works again, whatever happened in it."""
        try:
            yield
        finally:
            self.to_engine.heal()
            for node in self.nodes:
                node.to_database.heal()
                node.to_redis.heal()
            await self.all_ready()

    async def all_ready(self) -> None:
        """Start the nodes that do not run, and wait until all of them are ready."""
        await asyncio.gather(*(node.start() for node in self.nodes if not node.runs))
        async with httpx.AsyncClient(verify=False, headers=headers(), timeout=5) as client:
            deadline = time.monotonic() + READY_WITHIN_SECONDS
            for node in self.nodes:
                while not await _is_ready(client, node):
                    assert time.monotonic() < deadline, f"{node.name} does not become ready"
                    await asyncio.sleep(0.05)


def headers(token: str | None = None) -> dict[str, str]:
    """Headers of a request, with a server token if no other is given."""
    return {"X-Api-Key": API_KEY, "Authorization": f"Bearer {token or server_token()}"}


async def _is_ready(client: httpx.AsyncClient, node: Node) -> bool:
    try:
        return (await client.get(f"{node.url}/readyz")).is_success
    except httpx.TransportError:
        return False

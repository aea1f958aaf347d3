"""Two real processes on one PostgreSQL and one Redis, behind the load balancer of `deploy/`: one stops."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from callclock import AsyncStreamClient, CallEvent, CallUpdated, RetryPolicy
from callclock_server.testing.ports import free_ports
from callclock_server.testing.postgres import Postgres
from callclock_server.testing.redis import RedisMissing, RedisServer

ROOT = Path(__file__).resolve().parents[3]
CADDYFILE = ROOT / "deploy" / "Caddyfile"
STREAMS = 6
UPDATE_EVERY_SECONDS = 0.05
PATIENT = RetryPolicy(attempts=20, first_delay_seconds=0.05, max_delay_seconds=0.5)


@pytest.fixture
def redis_url() -> Iterator[str]:
    try:
        server = RedisServer()
    except RedisMissing as exc:
        pytest.skip(str(exc))
    with server:
        yield server.url()


@pytest.fixture
def balance(tmp_path: Path) -> Iterator[Callable[[list[int]], str]]:
    """Starts Caddy, with the file that operators get, before some ports; returns its URL."""
    program = shutil.which("caddy") or ROOT / ".cache/caddy/usr/bin/caddy"
    if not Path(program).exists():
        pytest.skip("no Caddy: `make packages` gets it from Debian")
    running: list[subprocess.Popen[bytes]] = []

    def begin(ports: list[int]) -> str:
        front, media, control, admin = free_ports(4)
        environ = {
            "CALLCLOCK_DOMAIN": f"http://127.0.0.1:{front}",
            "CALLCLOCK_NODES": " ".join(f"127.0.0.1:{port}" for port in ports),
            "LIVEKIT_DOMAIN": f"http://127.0.0.1:{media}",
            "LIVEKIT_CONTROL": f"http://127.0.0.1:{control}",
            "LIVEKIT_NODES": f"127.0.0.1:{media + 1}",
            "CADDY_ADMIN": f"127.0.0.1:{admin}",
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path),
        }
        command = [program, "run", "--config", CADDYFILE, "--adapter", "caddyfile"]
        with (tmp_path / "caddy.log").open("wb") as log:
            running.append(subprocess.Popen(command, env=os.environ | environ, stdout=log, stderr=log))
        return f"http://127.0.0.1:{front}"

    yield begin
    for process in running:
        process.terminate()
        process.wait(timeout=10)


class Page:
    """The browser's client in a process of its own, joined; what it says, line by line."""

    def __init__(self, url: str, key: str, token: str) -> None:
        command = [
            "node",
            str(Path(__file__).with_name("watching.mjs")),
            url,
            key,
            "bob",
            token,
            "default",
            "a",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.told: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.told.append(json.loads(line))

    @property
    def events(self) -> list[int]:
        return [line["event"] for line in self.told if "event" in line]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._reader.join()


async def until(told: Callable[[], bool], *, within: float = 30.0) -> None:
    async with asyncio.timeout(within):
        while not told():  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(0.02)


def open_streams(port: int) -> int:
    """How many event streams a process has, by its own figures."""
    figures = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    found = re.search(r"^callclock_event_streams (\d+)", figures, re.MULTILINE)
    assert found is not None
    return int(found[1])


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=1).is_success
    except httpx.TransportError:
        return False


@asynccontextmanager
async def watching(client: AsyncStreamClient) -> AsyncIterator[tuple[str, list[CallEvent]]]:
    """A stream on the call, read all the time: its connection id, and the events as they come."""
    told: list[CallEvent] = []
    async with client.video.call("default", "a").events() as events:
        told.append(await anext(events))

        async def read() -> None:
            async for event in events:
                told.append(event)  # noqa: PERF401 - they are looked at while they come

        reading = asyncio.create_task(read())
        assert events.connection_id is not None
        try:
            yield events.connection_id, told
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_rolling_restart_costs_no_event_no_request_and_no_presence(
    start, keys, postgres: Postgres, postgres_url: str, redis_url, balance
) -> None:
    shared = keys | {
        "CALLCLOCK_DATABASE_URL": postgres_url,
        "CALLCLOCK_REDIS_URL": redis_url,
        "CALLCLOCK_DRAIN_SECONDS": "20",
    }
    ports = free_ports(2)
    nodes = [start("serve", "--port", str(port), **shared) for port in ports]
    for node in nodes:
        node.wait_for("http://")
    url = balance(ports)
    await until(lambda: answers(url))
    key, _, secret = keys["CALLCLOCK_KEYS"].partition(":")
    acknowledged: list[int] = []
    async with AsyncStreamClient(key, secret, base_url=url, retries=PATIENT) as client:
        await client.upsert_users({"ann": {}, "bob": {}})
        call = client.video.call("default", "a")
        await call.create(data={"created_by_id": "ann", "settings_override": {"media": {"engine": "none"}}})

        async def keep_updating() -> None:
            while True:
                number = len(acknowledged)
                await call.update(custom={"number": number})
                acknowledged.append(number)
                await asyncio.sleep(UPDATE_EVERY_SECONDS)

        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(watching(client)) for _ in range(STREAMS)]
            for device, (connection_id, _) in enumerate(streams):
                await call.join(user_id="ann", device_id=str(device), connection_id=connection_id)
            before = [open_streams(port) for port in ports]
            page = Page(url, key, client.create_token("bob"))
            stack.callback(page.close)
            await until(lambda: {"joined": True} in page.told)
            # The one that the page is on is stopped.
            [stopped] = [n for n, port in enumerate(ports) if open_streams(port) > before[n]]
            updating = group.create_task(keep_updating())
            await until(lambda: len(acknowledged) >= 5)
            # 0: of itself, within its time.
            assert await asyncio.to_thread(nodes[stopped].finish, signal.SIGTERM) == 0
            enough = len(acknowledged) + 5
            await until(lambda: len(acknowledged) >= enough)
            updating.cancel()
            # The last one counts only when it is told everywhere; an unacknowledged one may have been made.
            last = (await call.update(custom={"number": "last"})).call.custom
            await until(lambda: all(told[-1].call and told[-1].call.custom == last for _, told in streams))
            newest = (await call.get()).call.last_event_id
            await until(lambda: page.events[-1] == newest)
            people = (await call.get()).call.session.participants
            await until(lambda: lost(postgres, postgres_url) == 0)

    assert len(people) == STREAMS + 1
    assert page.events == list(range(page.events[0], newest + 1))
    for _, told in streams:
        ids = [event.id for event in told]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        kinds = [event.type for event in told]
        assert kinds.count("call.state_refreshed") == 1
        assert "call.session_participant_left" not in kinds
        numbers = [event.call.custom.get("number") for event in told if isinstance(event, CallUpdated)]
        assert numbers[: len(acknowledged)] == acknowledged
    handed = [line for line in nodes[stopped].stderr if "handing_off" in line]
    assert int(json.loads(handed[0])["streams"]) >= STREAMS // 2


def lost(postgres: Postgres, url: str) -> int:
    """How many people's streams are counted as lost."""
    [(count,)] = postgres.execute(
        "SELECT count(*) FROM participants WHERE lost_at IS NOT NULL", database=url.rpartition("/")[2]
    )
    return int(count)

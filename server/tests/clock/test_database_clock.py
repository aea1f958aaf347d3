"""Where the clocks of machines disagree, that of PostgreSQL decides (design rule 9)."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import callclock_server
import httpx
import orjson
import pytest
from callclock_server.storage.clock_following import read_clock
from callclock_server.storage.database import Database
from callclock_server.testing import RunningServer, running_server
from callclock_server.timekeeping import FakeClock, FollowingClock, SystemClock
from websockets.asyncio.client import ClientConnection, connect

SOURCES = Path(callclock_server.__file__).parent
# Who may ask the machine what time it is, and why.
MAY_READ = {
    "timekeeping.py",  # its purpose
    "sfu/server.py",  # the default of a library that is handed a clock
    "sfu/media/dtls.py",  # the validity of a certificate that lives as long as the process
    "cli",  # commands have no database at hand
    "testing",
}


class Skewed:
    """The clock of a machine that is wrong by so many hours."""

    def __init__(self, hours: int) -> None:
        self._by = timedelta(hours=hours)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[list[RunningServer]]:
    """Two servers on one database whose machines are two hours apart, and neither is right."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                running_server(database_url=postgres_url, clock=FollowingClock(local=Skewed(hours)))
            )
            for hours in (1, -1)
        ]


async def watch(node: RunningServer, cid: str) -> ClientConnection:
    socket = await connect(node.url.replace("http", "ws") + "/v1/events")
    await socket.send(
        orjson.dumps({"type": "auth", "api_key": node.api_key, "token": node.server_token()}).decode()
    )
    await socket.send(orjson.dumps({"type": "watch", "cids": [cid]}).decode())
    return socket


async def heard_end(socket: ClientConnection) -> datetime:
    while orjson.loads(await socket.recv())["type"] != "call.session_ended":
        pass
    return datetime.now(UTC)


async def test_nodes_whose_clocks_are_hours_wrong_behave_like_all_others(nodes: list[RunningServer]) -> None:
    one, other = (
        httpx.AsyncClient(base_url=node.url, headers=node.headers(), verify=False) for node in nodes
    )
    async with one, other, asyncio.timeout(20):
        await one.post("/v1/users", json={"users": {"ann": {"id": "ann"}}})
        terms = {"limits": {"max_duration_seconds": 2}, "media": {"engine": "none"}}
        data = {"created_by_id": "ann", "settings_override": terms}
        (await one.post("/v1/calls/default/skewed", json={"data": data})).raise_for_status()
        sockets = [await watch(node, "default:skewed") for node in nodes]
        # A token that is valid for a minute is valid on both: neither machine judges it by its own clock.
        joined = await other.post("/v1/calls/default/skewed/join", headers=nodes[1].headers("ann"))
        session = joined.raise_for_status().json()["call"]["session"]
        deadline = datetime.fromisoformat(session["timer_ends_at"])
        assert abs(deadline - datetime.now(UTC)) < timedelta(seconds=3)
        for ended_at in await asyncio.gather(*(heard_end(socket) for socket in sockets)):
            assert timedelta(0) <= ended_at - deadline < timedelta(seconds=2.5)
        for client, hours in ((one, 1), (other, -1)):
            scraped = (await client.get("/metrics")).text
            line = next(
                line for line in scraped.splitlines() if line.startswith("callclock_clock_ahead_seconds")
            )
            assert round(float(line.split()[1]) / 3600) == -hours
        await asyncio.gather(*(socket.close() for socket in sockets))


async def test_database_is_followed_within_milliseconds(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    assert isinstance(database.clock, FollowingClock)
    assert database.clock.uncertainty_seconds < 0.02
    assert abs(database.clock.now() - SystemClock().now()) < timedelta(seconds=0.02)
    await database.close()


async def test_clock_that_is_given_is_the_one_that_decides(database_url: str) -> None:
    clock = FakeClock()
    database = await Database.open(database_url, clock=clock)
    async with database.read() as tx:
        assert tx.now() == clock.now()
    await database.close()


def test_nobody_else_reads_the_machine_clock() -> None:
    found = set()
    for path in SOURCES.rglob("*.py"):
        name = path.relative_to(SOURCES).as_posix()
        if name in MAY_READ or name.partition("/")[0] in MAY_READ or name.startswith("testing_"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                "time.time",
                "time.time_ns",
                "datetime.now",
                "datetime.utcnow",
                "datetime.datetime.now",
            ):
                found.add(f"{name}:{node.lineno}")
    assert found == set()


async def test_reading_the_clock_in_vain_leaves_no_doubtful_connection(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(postgres_url, clock=FakeClock())

    async def driver() -> object:
        async with database.engine.connect() as connection:
            return (await connection.get_raw_connection()).driver_connection

    async def fetchval(*_args: object) -> None:
        raise TimeoutError

    before = await driver()
    assert await driver() is before
    with monkeypatch.context() as patch:
        patch.setattr(type(before), "fetchval", fetchval)
        with pytest.raises(TimeoutError):
            await read_clock(database.engine, FollowingClock())
    assert await driver() is not before
    await database.close()

"""PostgreSQL goes away and comes back: nothing is lost, nothing hangs, and all goes on by itself."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from callclock_server.domain.call import Role
from callclock_server.domain.errors import DatabaseUnavailable, OutcomeUnknown
from callclock_server.storage import roles
from callclock_server.storage.database import Database, Transaction
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.databases import PostgresDatabases
from callclock_server.testing.postgres import Postgres, PostgresMissing
from sqlalchemy.engine import make_url
from websockets.asyncio.client import connect

from .proxy import Proxy

ANSWER_SECONDS = 12.0  # the longest that anything may hang


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that these tests may stop."""
    try:
        server = Postgres()
    except PostgresMissing as exc:
        pytest.skip(f"no PostgreSQL: {exc}")
    with server:
        yield server


@pytest.fixture
def url(mortal: Postgres) -> str:
    databases = PostgresDatabases(mortal)
    mortal.drop_database("callclock_template")
    mortal.drop_database("test_1")
    return databases.fresh()


@pytest.fixture
def proxy(mortal: Postgres) -> Iterator[Proxy]:
    with Proxy(mortal.port) as between:
        yield between


def through(proxy: Proxy, url: str) -> str:
    return make_url(url).set(port=proxy.port).render_as_string(hide_password=False)


def adding(name: str) -> Callable[[Transaction], Awaitable[None]]:
    async def add(tx: Transaction) -> None:
        await roles.insert(tx, Role(name=name, built_in=False, created_at=tx.now()))

    return add


async def there(database: Database, name: str) -> bool:
    async with database.read() as tx:
        return await roles.get(tx, name) is not None


async def eventually(check: Callable[[], Awaitable[bool]], *, within_seconds: float) -> None:
    async with asyncio.timeout(within_seconds):
        while not await check():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restarted", "crashed"])
async def test_pool_gives_no_dead_connection_after_a_restart(
    mortal: Postgres, url: str, how: signal.Signals
) -> None:
    database = await Database.open(url)
    await asyncio.gather(*(database.run(adding(f"before-{number}")) for number in range(5)))
    await asyncio.to_thread(mortal.stop, how=how)
    with pytest.raises(DatabaseUnavailable):
        await database.run(adding("meanwhile"))
    await asyncio.to_thread(mortal.start)
    await asyncio.gather(*(database.run(adding(f"after-{number}")) for number in range(10)))
    assert await there(database, "before-0")
    assert not await there(database, "meanwhile")
    await database.close()


@pytest.mark.punctual
async def test_work_that_slept_too_long_with_its_locks_is_undone_and_done_again(url: str) -> None:
    attempts = 0

    async def dozing(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await adding("early")(tx)
        if attempts == 1:
            await tx.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
            await asyncio.sleep(0.5)
        await adding("late")(tx)

    database = await Database.open(url)
    try:
        await database.run(dozing)
        async with database.read() as tx:
            names = {role.name for role in await roles.list_all(tx)}
    finally:
        await database.close()
    assert attempts == 2
    assert {"early", "late"} <= names


async def test_silent_network_is_given_up_in_bounded_time(proxy: Proxy, url: str) -> None:
    database = await Database.open(through(proxy, url))
    await asyncio.gather(*(database.run(adding(f"warm-{number}")) for number in range(5)))
    proxy.freeze()
    begun = time.monotonic()
    outcomes = await asyncio.gather(
        *(database.run(adding(f"lost-{number}")) for number in range(15)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    assert time.monotonic() - begun < ANSWER_SECONDS
    proxy.thaw()
    begun = time.monotonic()
    await database.run(adding("again"))
    assert time.monotonic() - begun < 2
    assert await there(database, "again")
    await database.close()


async def test_commit_without_an_answer_is_no_success(proxy: Proxy, url: str) -> None:
    database = await Database.open(through(proxy, url))
    told: list[Any] = []
    database.on_hint(told.append)
    proxy.cut_commit(b"perhaps")

    async def deed(tx: Transaction) -> None:
        await adding("perhaps")(tx)
        tx.hint.outbox = True

    with pytest.raises(OutcomeUnknown):
        await database.run(deed)
    assert told == []
    assert await there(database, "perhaps")  # this time it had been done
    await database.close()


@pytest.fixture
def server(proxy: Proxy, url: str) -> Iterator[RunningServer]:
    with running_server(database_url=through(proxy, url)) as running:
        yield running


async def make_call(client: httpx.AsyncClient, name: str, *, seconds: int) -> str:
    (await client.post("/v1/users", json={"users": {"ann": {"id": "ann"}}})).raise_for_status()
    terms = {"limits": {"max_duration_seconds": seconds}, "media": {"engine": "none"}}
    data = {"created_by_id": "ann", "settings_override": terms}
    path = f"/v1/calls/default/{name}"
    (await client.post(path, json={"data": data})).raise_for_status()
    (await client.post(f"{path}/join", json={"user_id": "ann"})).raise_for_status()
    return path


async def test_extension_whose_commit_was_not_answered_is_made_once_by_its_key(
    server: RunningServer, proxy: Proxy
) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers(), verify=False) as client:
        path = await make_call(client, "doubtful", seconds=600)
        once = {"headers": {"Idempotency-Key": "doubtful-key"}, "json": {"seconds": 60}}
        proxy.cut_commit(b"doubtful-key")
        doubtful = await client.post(f"{path}/extend", **once)
        assert (doubtful.status_code, doubtful.json()["code"]) == (503, "outcome-unknown")
        assert doubtful.headers["Retry-After"] == "1"
        assert (await client.post(f"{path}/extend", **once)).status_code == 200
        limits = (await client.get(path)).json()["call"]["settings"]["limits"]
        assert limits["max_duration_seconds"] == 660


@pytest.mark.punctual
async def test_call_that_ends_while_the_database_is_away_ends_at_its_return(
    server: RunningServer, mortal: Postgres
) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers(), verify=False) as client:
        path = await make_call(client, "outage", seconds=2)
        socket = await connect(server.url.replace("http", "ws") + "/v1/events")
        token = {"type": "auth", "api_key": server.api_key, "token": server.server_token()}
        for message in (token, {"type": "watch", "cids": ["default:outage"]}):
            await socket.send(orjson.dumps(message).decode())

        async def told(kind: str) -> None:
            while orjson.loads(await socket.recv())["type"] != kind:
                pass

        await told("watch.ok")
        await asyncio.to_thread(mortal.stop)

        async def refused() -> bool:
            answer = await client.get(path)
            return answer.status_code == 503 and answer.json()["code"] == "database-unavailable"

        await eventually(refused, within_seconds=5)
        assert (await client.get("/readyz")).json()["code"] == "not-ready"
        assert (await client.get("/healthz")).status_code == 200
        await asyncio.sleep(2)  # past the deadline
        await asyncio.to_thread(mortal.start)
        back_at = datetime.now(UTC)

        async with asyncio.timeout(10):
            await told("call.session_ended")
        assert datetime.now(UTC) - back_at < timedelta(seconds=1.5)
        call = (await client.get(path)).json()["call"]
        (session,) = (await client.get(f"{path}/sessions")).json()["sessions"]
        joined_at = datetime.fromisoformat(session["started_at"])
        assert datetime.fromisoformat(call["ended_at"]) == joined_at + timedelta(seconds=2)
        assert (await client.get("/readyz")).status_code == 200
        await socket.close()

"""Races inside the hub that no socket can be made to run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from callclock_server.api.auth import Identity
from callclock_server.api.event_stream.connection import Connection
from callclock_server.api.event_stream.hub import Hub
from callclock_server.api.metrics import Metrics
from callclock_server.bus import LocalBus
from callclock_server.domain.permissions import SERVER
from callclock_server.storage import events
from callclock_server.storage.database import Database, EventRow, Hint
from callclock_server.storage.events import NewEvent
from callclock_server.timekeeping import FakeClock

CID = "default:a"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, clock=FakeClock())
    yield opened
    await opened.close()


@pytest.fixture
def hub(database: Database) -> Hub:
    return Hub(
        database=database,
        bus=LocalBus(),
        clock=database.clock,
        metrics=Metrics(),
        secret="s" * 32,
        node_id="0123456789ab",
    )


async def connect(hub: Hub, resume: str | None = None) -> Connection:
    return await hub.admit(Identity(actor=SERVER, expires_at=None), resume=resume)


async def happen(database: Database, *ids: int) -> list[EventRow]:
    """Write events of a call into the log, and tell nobody."""
    async with database.write() as tx:
        new = [NewEvent(CID, id_, "call.updated", tx.now(), f'{{"id":{id_}}}') for id_ in ids]
        await events.append(tx, new)
        rows = list(tx.hint.events)
        tx.hint = Hint()
    return rows


async def heard(connection: Connection, last: int) -> list[int]:
    """The ids of events that a connection is sent, up to the last one."""
    ids: list[int] = []
    async with asyncio.timeout(5):
        while last not in ids:
            await connection.outbox.filled()
            messages = [json.loads(text) for text in connection.outbox.take(1_000_000)]
            ids += [message["id"] for message in messages if "id" in message]
    return ids


@pytest.mark.parametrize("purged", [False, True], ids=["all there", "some purged"])
async def test_events_that_come_in_the_wrong_order_while_the_log_is_read_all_arrive(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch, purged: bool
) -> None:
    connection = await connect(hub)
    subscription = hub._hold(connection, CID)
    hub._release(connection, subscription)
    read, later = events.of_call, [[5, 6], [8, 9]] if purged else [[3, 4], [5]]

    async def read_while_more_happens(*args: Any, **options: Any) -> list[EventRow]:
        found = await read(*args, **options)
        if later:
            hub.offer((await happen(database, *later.pop(0)))[-1:])
        return found

    monkeypatch.setattr(events, "of_call", read_while_more_happens)
    hub.offer((await happen(database, 1, 2))[-1:])
    assert await heard(connection, 9 if purged else 5) == ([1, 2, 5, 6, 8, 9] if purged else [1, 2, 3, 4, 5])
    hub.offer(await happen(database, 10 if purged else 6))
    assert await heard(connection, 10 if purged else 6)


async def test_a_stream_that_fails_to_resume_leaves_the_one_that_took_its_place(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await connect(hub)).id
    asked, answer = asyncio.Event(), asyncio.Event()

    async def fail(_connection_id: str) -> None:
        asked.set()
        await answer.wait()
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(hub.presence, "resume", fail)
        first = asyncio.create_task(connect(hub, id_))
        await asked.wait()
    second = await connect(hub, id_)
    answer.set()
    with pytest.raises(RuntimeError):
        await first
    assert hub._connections == {id_: second}

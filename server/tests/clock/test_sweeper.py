"""The sweeper wakes in time, tells everybody, and cannot be stopped by what goes wrong (design rule 10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from callclock_server.bus import LocalBus, call_channel
from callclock_server.calls import create
from callclock_server.clock import Sweeper
from callclock_server.domain.permissions import SERVER
from callclock_server.storage import calls, tables
from callclock_server.storage.database import Database


@asynccontextmanager
async def running(sweeper: Sweeper) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(sweeper.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def another(url: str) -> AsyncIterator[Database]:
    """The same database, opened by somebody else."""
    database = await Database.open(url)
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.punctual
async def test_end_is_told_soon_after_the_deadline_and_never_before(deadlines: Any) -> None:
    cids = await deadlines.arm("soon", in_seconds=0.7, count=3)
    watch = deadlines.watch(cids)
    async with running(Sweeper(deadlines.database, deadlines.bus)):
        await watch.until_all_ended()
    for cid, (deadline, ended_at) in (await deadlines.ends()).items():
        assert ended_at == deadline
        assert timedelta(0) <= watch.ended_at[cid] - deadline < timedelta(seconds=0.5)
    assert watch.kinds == ["call.ended", "call.session_ended"] * 3


async def test_hint_of_a_nearer_alarm_shortens_the_sleep(deadlines: Any) -> None:
    async with running(Sweeper(deadlines.database, deadlines.bus, poll_seconds=60)):
        await deadlines.arm("far", in_seconds=600)
        await asyncio.sleep(0)
        cids = await deadlines.arm("near", in_seconds=0.3)
        watch = deadlines.watch(cids)
        await watch.until_all_ended()


async def test_alarm_of_another_process_is_found_without_a_hint(deadlines: Any) -> None:
    database = await Database.open(deadlines.url)
    async with running(Sweeper(database, LocalBus(), poll_seconds=0.1)):
        await deadlines.arm("quiet", in_seconds=0.3)
        async with asyncio.timeout(10):
            while (await deadlines.ends())["default:quiet-0"][1] is None:  # noqa: ASYNC110 (no hint comes)
                await asyncio.sleep(0.02)
    await database.close()


async def test_two_sweepers_end_everything_once(deadlines: Any) -> None:
    cids = await deadlines.arm("twice", in_seconds=0.4, count=60)
    other = await Database.open(deadlines.url)
    first = Sweeper(deadlines.database, deadlines.bus, batch=7)
    async with running(first), running(Sweeper(other, LocalBus(), batch=5)):
        async with asyncio.timeout(20):
            while any(ended is None for _, ended in (await deadlines.ends()).values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    log = await deadlines.log()
    assert all(log[cid] == [(1, "call.ended"), (2, "call.session_ended")] for cid in cids)
    await other.close()


async def test_session_that_cannot_be_settled_does_not_stop_the_others(deadlines: Any) -> None:
    (broken,) = await deadlines.arm("broken", in_seconds=0.1)
    cids = await deadlines.arm("sound", in_seconds=0.2, count=5)
    watch = deadlines.watch(cids)
    mine = tables.sessions.c.cid == broken
    async with deadlines.database.write() as tx:
        await tx.execute(
            sa.text("UPDATE sessions SET warning_seconds = '5' WHERE cid = :cid"), {"cid": broken}
        )
    async with running(Sweeper(deadlines.database, deadlines.bus)) as task:
        await watch.until_all_ended()
        repaired = deadlines.watch([broken])
        async with deadlines.database.write() as tx:
            await tx.execute(tables.sessions.update().where(mine).values(warning_seconds=[]))
        await repaired.until_all_ended()
        assert not task.done()
    deadline, ended_at = (await deadlines.ends())[broken]
    assert ended_at == deadline


async def test_call_that_cannot_open_by_itself_does_not_stop_the_others(deadlines: Any) -> None:
    data = {
        "created_by_id": "ann",
        "starts_at": datetime.now(UTC) + timedelta(seconds=0.3),
        "settings_override": {"limits": {"starts": "scheduled"}, "media": {"engine": "none"}},
    }
    async with deadlines.database.write() as tx:
        for name in ("broken", "sound"):
            await create.get_or_create_call(tx, SERVER, type="default", id=name, data=data)
        spoilt = {"limits": {"starts": "scheduled", "max_duration_seconds": "long"}}
        broken = tables.calls.c.cid == "default:broken"
        await tx.execute(tables.calls.update().where(broken).values(settings_override=spoilt))
    opened = asyncio.Event()
    deadlines.bus.subscribe(call_channel("default:sound"), lambda _rows: opened.set())
    async with running(Sweeper(deadlines.database, deadlines.bus)) as task, asyncio.timeout(20):
        await opened.wait()
        assert not task.done()


async def test_database_that_fails_does_not_kill_the_loop(deadlines: Any) -> None:
    cids = await deadlines.arm("outage", in_seconds=0.2)
    watch = deadlines.watch(cids)
    async with another(deadlines.url) as other:
        async with other.write() as tx:
            await tx.execute(sa.text("ALTER TABLE sessions RENAME TO elsewhere"))
        async with running(Sweeper(deadlines.database, deadlines.bus)) as task:
            await asyncio.sleep(0.4)
            assert not task.done()
            async with other.write() as tx:
                await tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO sessions"))
            await watch.until_all_ended()


async def test_lock_held_by_another_process_only_delays_the_end(deadlines: Any) -> None:
    cids = await deadlines.arm("locked", in_seconds=0.1)
    watch = deadlines.watch(cids)
    async with another(deadlines.url) as other, running(Sweeper(deadlines.database, deadlines.bus)):
        async with other.write() as tx:
            await calls.lock(tx, cids)
            await asyncio.sleep(0.5)
            assert watch.kinds == []
        await watch.until_all_ended()
    deadline, ended_at = (await deadlines.ends())[cids[0]]
    assert ended_at == deadline

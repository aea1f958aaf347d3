"""Transactions: whole or not at all, hints after the commit, settlements that outlive a refusal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from callclock_server.domain.call import Role
from callclock_server.domain.errors import RoleInUse
from callclock_server.storage import roles
from callclock_server.storage.database import Database, Hint, Transaction
from callclock_server.storage.types import from_microseconds, to_microseconds
from callclock_server.timekeeping import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.pool import AsyncAdaptedQueuePool

moments = st.integers(0, 200_000_000_000_000_000).map(from_microseconds)


async def names(database: Database) -> set[str]:
    async with database.read() as tx:
        return {role.name for role in await roles.list_all(tx)}


def role(name: str) -> Role:
    return Role(name=name, built_in=False, created_at=datetime(2026, 1, 1, tzinfo=UTC))


@given(moments, moments)
def test_stored_times_are_exact_and_keep_their_order(one: datetime, other: datetime) -> None:
    assert from_microseconds(to_microseconds(one)) == one
    assert (to_microseconds(one) < to_microseconds(other)) == (one < other)


def test_stored_time_is_utc_whatever_its_offset_was_and_naive_ones_are_refused() -> None:
    moment = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert from_microseconds(to_microseconds(moment)).isoformat() == "2026-01-01T00:00:00+00:00"
    with pytest.raises(ValueError, match="naive"):
        to_microseconds(datetime(2026, 1, 1))  # noqa: DTZ001


async def test_sqlite_is_safe_against_power_cuts_and_dangling_references(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    async with database.read() as tx:
        found = {
            name: await tx.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_exception_undoes_everything_and_tells_nobody(database: Database) -> None:
    hints: list[Hint] = []
    database.on_hint(hints.append)

    async def fail() -> None:
        async with database.write() as tx:
            await roles.insert(tx, role("gone"))
            tx.hint.outbox = True
            tx.on_commit(lambda: hints.append(tx.hint))
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert "gone" not in await names(database)
    assert hints == []


async def test_refusal_undoes_what_came_after_the_settlement_and_commits_the_settlement(
    database: Database,
) -> None:
    hints: list[Hint] = []
    called: list[str] = []
    database.on_hint(hints.append)
    alarm_at = datetime(2026, 1, 1, tzinfo=UTC)

    async def settle_and_refuse() -> None:
        async with database.write() as tx:
            await roles.insert(tx, role("settled"))
            tx.hint.alarm(alarm_at)
            tx.on_commit(lambda: called.append("settled"))
            await tx.keep_so_far()
            await roles.insert(tx, role("refused"))
            tx.hint.outbox = True
            tx.on_commit(lambda: called.append("refused"))
            raise RoleInUse

    with pytest.raises(RoleInUse):
        await settle_and_refuse()
    assert {"settled", "refused"} & await names(database) == {"settled"}
    assert [(hint.alarm_at, hint.outbox) for hint in hints] == [(alarm_at, False)]
    assert called == ["settled"]


async def test_kept_part_is_committed_with_the_rest_when_all_goes_well(database: Database) -> None:
    async with database.write() as tx:
        await roles.insert(tx, role("first"))
        await tx.keep_so_far()
        await roles.insert(tx, role("second"))
    assert {"first", "second"} <= await names(database)


async def test_writers_of_sqlite_take_turns(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    seen: list[int] = []

    async def add(number: int) -> None:
        async with database.write() as tx:
            before = len(await roles.list_all(tx))
            await asyncio.sleep(0)
            await roles.insert(tx, role(f"r{number}"))
            seen.append(len(await roles.list_all(tx)) - before)

    await asyncio.gather(*(add(number) for number in range(20)))
    assert seen == [1] * 20
    await database.close()


async def test_readers_see_one_state_whatever_is_committed_meanwhile(database: Database) -> None:
    async with database.read() as reading:
        before = [each.name for each in await roles.list_all(reading)]
        async with database.write() as tx:
            await roles.insert(tx, role("later"))
        assert [each.name for each in await roles.list_all(reading)] == before
    assert "later" in await names(database)


async def test_cancelled_writer_leaves_the_lock_to_the_next(database: Database) -> None:
    inside = asyncio.Event()

    async def stuck() -> None:
        async with database.write() as tx:
            await roles.insert(tx, role("half"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5), database.write() as tx:
        await roles.insert(tx, role("next"))
    assert {"half", "next"} & await names(database) == {"next"}


async def test_work_that_is_cancelled_anywhere_takes_no_connection_with_it(database: Database) -> None:
    async def work(number: int) -> None:
        async def deed(tx: Transaction) -> None:
            await roles.insert(tx, role(f"role-{number}"))
            await tx.scalar(sa.text(f"SELECT {number} AS named_{number}"))  # no connection knows it yet

        await database.run(deed)
        async with database.read() as tx:
            await tx.scalar(sa.text(f"SELECT {number} AS read_{number}"))

    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(work(number)) for number in range(120)]
    for number, task in enumerate(tasks):
        loop.call_later(number % 40 * 0.005, task.cancel)
        if number % 3 == 0:  # again, while it puts things in order
            loop.call_later(number % 40 * 0.005 + 0.001, task.cancel)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), asyncio.CancelledError}
    pool = database.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    async with asyncio.timeout(5):
        while pool.checkedout():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
    await asyncio.gather(*(work(number) for number in range(1000, 1020)))


async def test_listener_that_raises_does_not_hurt_the_commit(database: Database) -> None:
    def broken(hint: Hint) -> None:
        raise RuntimeError

    database.on_hint(broken)
    async with database.write() as tx:
        await roles.insert(tx, role("there"))
        tx.hint.outbox = True
    assert "there" in await names(database)


async def test_time_stands_still_within_a_transaction(database: Database, clock: FakeClock) -> None:
    async with database.write() as tx:
        first = tx.now()
        clock.advance(5)
        assert tx.now() == first


async def test_fault_of_a_statement_does_not_tell_its_values(database: Database) -> None:
    statement = sa.text("SELECT 1 FROM no_such_table WHERE name = :name").bindparams(name="Agatha Nobody")
    async with database.engine.connect() as connection:
        with pytest.raises(sa.exc.DBAPIError) as raised:
            await connection.execute(statement)
    assert "no_such_table" in str(raised.value)
    assert "Agatha" not in str(raised.value)

"""The ledger and the event log take rows and give none back, whoever asks the database."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from callclock_server.storage import calls, sessions
from callclock_server.storage.database import Database
from callclock_server.storage.migrate import migrate
from callclock_server.timekeeping import FakeClock
from sqlalchemy.exc import DBAPIError, IntegrityError

FORBIDDEN = {
    "change the time given": "UPDATE ledger SET seconds = 0",
    "change who gave it": "UPDATE ledger SET by_user_id = 'bill' WHERE id = 'chg_1'",
    "forget it": "DELETE FROM ledger",
    "change what happened": "UPDATE events SET payload = '{}'",
    "change when": "UPDATE events SET created_at = created_at + 1 WHERE id = 1",
    "forget what happened": "DELETE FROM events WHERE cid = 'default:a'",
}
ONLY_POSTGRESQL = {
    "empty the ledger": "TRUNCATE ledger",
    "empty the log": "TRUNCATE events",
    "empty all that refers to sessions": "TRUNCATE sessions CASCADE",
}
_CHANGE = "(position, id, session_id, cid, how, at, seconds)"
_FREE = "id, session_id, cid, how, at, 0 FROM ledger"
ONLY_SQLITE = {
    "replace an event": "REPLACE INTO events SELECT position, cid, id, type, created_at, '{}' FROM events",
    "replace a change": f"REPLACE INTO ledger {_CHANGE} SELECT position, {_FREE}",
    "move a change": f"REPLACE INTO ledger {_CHANGE} SELECT position + 1, {_FREE}",
}


ROWS: dict[str, dict[str, Any]] = {
    "users": {"id": "ann", "role": "user", "custom": "{}", "created_at": 1, "updated_at": 1},
    "calls": {
        "cid": "default:a",
        "type": "default",
        "id": "a",
        "created_at": 1,
        "updated_at": 1,
        "settings_override": "{}",
        "custom": "{}",
        "last_event_id": 1,
    },
    "sessions": {
        "id": "ses_1",
        "cid": "default:a",
        "engine": "none",
        "started_at": 1,
        "warning_seconds": "[]",
        "empty_timeout_seconds": 30,
        "join_timeout_seconds": 30,
    },
    "participants": {
        "id": "par_1",
        "session_id": "ses_1",
        "user_id": "ann",
        "role": "user",
        "device_id": "d",
        "accepted_at": 1,
    },
    "ledger": {
        "id": "chg_1",
        "session_id": "ses_1",
        "cid": "default:a",
        "how": "start",
        "at": 1,
        "seconds": 3600,
    },
    "events": {"position": 1, "cid": "default:a", "id": 1, "type": "t", "created_at": 1, "payload": "{}"},
}


@pytest.fixture
async def written(database: Database) -> Database:
    """A database with one change and one event."""
    await write(database)
    return database


async def write(database: Database) -> None:
    async with database.write() as tx:
        for table, row in ROWS.items():
            values = ", ".join(
                f"'{value}'" if isinstance(value, str) else str(value) for value in row.values()
            )
            await tx.execute(sa.text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"))


async def everything(database: Database) -> list[object]:
    async with database.read() as tx:
        rows = [
            *await tx.all(sa.text("SELECT * FROM ledger")),
            *await tx.all(sa.text("SELECT * FROM events")),
        ]
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_rows_cannot_be_changed_or_deleted(written: Database, statement: str) -> None:
    await refuses(written, statement)


@pytest.mark.parametrize("statement", ONLY_POSTGRESQL.values(), ids=ONLY_POSTGRESQL.keys())
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
async def test_tables_cannot_be_emptied(written: Database, statement: str) -> None:
    await refuses(written, statement)


@pytest.mark.parametrize("statement", ONLY_SQLITE.values(), ids=ONLY_SQLITE.keys())
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_rows_cannot_be_replaced(written: Database, statement: str) -> None:
    await refuses(written, statement)


async def refuses(database: Database, statement: str) -> None:
    before = await everything(database)
    assert len(before) == 2
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as tx:
            await tx.execute(sa.text(statement))
    assert await everything(database) == before


async def test_deleting_a_call_deletes_nothing_of_it(written: Database, clock: FakeClock) -> None:
    before = await everything(written)
    async with written.write() as tx:
        await sessions.outlive(tx, cid="default:a", at=clock.now())
        await calls.delete(tx, "default:a")
    assert await everything(written) == before
    async with written.read() as tx:
        assert await sessions.have_outlived(tx, "default:a")
        assert await sessions.find(tx, "ses_1", cid="default:a", outlived=False) is None
        assert await sessions.find(tx, "ses_1", cid="default:a", outlived=True) is not None


async def test_a_session_with_a_ledger_cannot_be_deleted(written: Database) -> None:
    with pytest.raises(IntegrityError):
        async with written.write() as tx:
            await tx.execute(sa.text("DELETE FROM sessions"))


async def test_migration_keeps_what_was_written_before(empty_url: str) -> None:
    await migrate(empty_url, revision="0003")
    database = await Database.open(empty_url)
    await write(database)
    before = await everything(database)
    await database.close()
    await migrate(empty_url, revision="0004")
    database = await Database.open(empty_url)
    try:
        assert await everything(database) == before
        async with database.read() as tx:
            assert await tx.scalar(sa.text("SELECT session_id FROM participants")) == "ses_1"
            assert (
                await tx.scalar(sa.text("SELECT count(*) FROM sessions WHERE call_deleted_at IS NULL")) == 1
            )
    finally:
        await database.close()

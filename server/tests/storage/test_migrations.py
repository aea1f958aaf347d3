"""The migrations lead to the schema of the tables, from nothing and again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from callclock_server.storage.database import Database
from callclock_server.storage.migrate import migrate, pending
from callclock_server.storage.tables import metadata


def schema(path: Path) -> dict[str, Any]:
    """Return columns, indexes, foreign keys of every table, as SQLite knows them."""
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, Any] = {}
        for table in sorted(set(tables) - {"alembic_version"}):
            found[table] = {
                "columns": sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({table})")),
                "foreign": sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({table})")),
                "indexes": sorted(row[2:] for row in connection.execute(f"PRAGMA index_list({table})")),
            }
        partial = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        found["index statements"] = {name: " ".join(sql.split()) for name, sql in connection.execute(partial)}
    connection.close()
    return found


async def test_all_migrations_lead_to_the_schema_of_the_tables(tmp_path: Path) -> None:
    migrated, fresh = tmp_path / "migrated.sqlite", tmp_path / "fresh.sqlite"
    await migrate(f"sqlite:///{migrated}")
    engine = sa.create_engine(f"sqlite:///{fresh}")
    metadata.create_all(engine)
    engine.dispose()
    ours, theirs = schema(migrated), schema(fresh)
    for table in theirs:
        if table != "index statements":
            assert {column[0] for column in ours[table]["columns"]} == {
                column[0] for column in theirs[table]["columns"]
            }
            assert ours[table]["foreign"] == theirs[table]["foreign"]
            assert ours[table]["indexes"] == theirs[table]["indexes"]
    assert ours["index statements"] == theirs["index statements"]
    engine = sa.create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_migrating_again_changes_nothing_and_keeps_what_was_changed(empty_url: str) -> None:
    url = empty_url
    assert await pending(url)
    await asyncio.gather(migrate(url), migrate(url))
    assert not await pending(url)
    database = await Database.open(url)
    async with database.write() as tx:
        await tx.execute(sa.text("UPDATE call_types SET members_only = true WHERE name = 'default'"))
    await migrate(url)
    async with database.read() as tx:
        assert await tx.scalar(sa.text("SELECT members_only FROM call_types WHERE name = 'default'"))
        assert await tx.scalar(sa.text("SELECT count(*) FROM roles")) == 5
    await database.close()


async def test_sweeper_finds_its_rows_by_the_partial_index(database: Database) -> None:
    due = "SELECT * FROM sessions WHERE ended_at IS NULL AND next_alarm_at <= 5 ORDER BY next_alarm_at"
    async with database.read() as tx:
        if tx.dialect == "postgresql":
            # An empty table is read whole; what matters is whether the index would serve.
            await tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
            await tx.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
            plan = " ".join(row[0] for row in await tx.all(sa.text(f"EXPLAIN {due}")))
        else:
            plan = " ".join(row[3] for row in await tx.all(sa.text(f"EXPLAIN QUERY PLAN {due}")))
    assert "ix_sessions_alarm" in plan
    assert "B-TREE" not in plan
    assert "Sort" not in plan

"""The migrations lead to the schema of the tables, from nothing and again."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from callclock_server.storage.database import Database
from callclock_server.storage.engine import create_engine
from callclock_server.storage.migrate import Standing, _config, migrate, pending, standing_of
from callclock_server.storage.tables import metadata
from callclock_server.testing.databases import Databases
from sqlalchemy.engine import Connection


def _shape(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return columns, keys, constraints and indexes of every table, as the database itself knows them."""
    look = sa.inspect(connection)
    found: dict[str, dict[str, Any]] = {}
    for table in sorted(set(look.get_table_names()) - {"alembic_version"}):
        columns = look.get_columns(table)
        found[table] = {
            "columns": {
                each["name"]: (str(each["type"]), each["nullable"], str(each["default"] or "") != "")
                for each in columns
            },
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (each["constrained_columns"], each["referred_table"], sorted(each["options"].items()))
                for each in look.get_foreign_keys(table)
            ),
            "unique": sorted(each["column_names"] for each in look.get_unique_constraints(table)),
            "checks": sorted(each["sqltext"] for each in look.get_check_constraints(table)),
            "indexes": sorted(
                (each["name"], each["column_names"], bool(each["unique"]), _condition(each))
                for each in look.get_indexes(table)
            ),
        }
    return found


def _condition(index: Any) -> str:
    """Return which rows a partial index is of."""
    options: dict[str, Any] = index.get("dialect_options", {})
    return str(options.get("sqlite_where", options.get("postgresql_where", "")))


async def shape(url: str) -> dict[str, dict[str, Any]]:
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(_shape)
    await engine.dispose()
    return found


async def test_all_migrations_lead_to_the_schema_of_the_tables(databases: Databases, empty_url: str) -> None:
    migrated = await asyncio.to_thread(databases.fresh)
    engine = create_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await shape(migrated) == await shape(empty_url)
    engine = create_engine(migrated)
    async with engine.connect() as connection:

        def differences(sync: Connection) -> Any:
            context = MigrationContext.configure(sync, opts={"compare_type": True})
            return compare_metadata(context, metadata)

        assert await connection.run_sync(differences) == []
    await engine.dispose()
    await asyncio.to_thread(databases.drop, migrated)


async def test_every_migration_only_adds_so_that_servers_of_the_version_before_go_on(empty_url: str) -> None:
    scripts = ScriptDirectory.from_config(_config())
    revisions = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    before: dict[str, dict[str, Any]] = {}
    for revision in revisions:
        await migrate(empty_url, revision=revision)
        after = await shape(empty_url)
        assert set(before) <= set(after), f"{revision} drops a table"
        for table, old in before.items():
            columns = after[table]["columns"]
            for name, (kind, nullable, _) in old["columns"].items():
                assert columns.get(name, (None,))[0] == kind, f"{revision} changes {table}.{name}"
                assert columns[name][1] >= nullable, f"{revision} demands {table}.{name}"
            for name in columns.keys() - old["columns"].keys():
                _, nullable, has_default = columns[name]
                assert nullable or has_default, f"{revision}: nobody else fills {table}.{name}"
            assert after[table]["key"] == old["key"], f"{revision} changes the key of {table}"
        before = after
    assert await standing_of(empty_url) is Standing.CURRENT


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

"""A database that cannot be used: one sentence, how to mend it, exit status 1, no traceback, no password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from callclock_server.storage.database import Database
from callclock_server.testing.ports import free_port
from callclock_server.testing.postgres import GUARDED, GUARDED_PASSWORD, Postgres

Case = Callable[[Postgres], str]
CASES: dict[str, tuple[Case, str, str]] = {
    "nobody listens": (
        lambda p: f"postgresql://ann:hunter2secret@127.0.0.1:{free_port()}/calls",
        "does not answer: Connect",
        "Start it, or correct host and port",
    ),
    "a host without a name": (
        lambda p: "postgresql://ann:hunter2secret@nowhere.invalid/calls",
        "PostgreSQL at nowhere.invalid:5432 does not answer",
        "Start it, or correct host and port",
    ),
    "a wrong password": (
        lambda p: p.url(user=GUARDED, password="hunter2secret"),
        'refuses the user guarded: password authentication failed for user "guarded"',
        "Correct the user and the password",
    ),
    "no such database": (
        lambda p: p.url("nowhere", user=GUARDED, password=GUARDED_PASSWORD.replace(" ", "%20")),
        "has no database nowhere",
        "Create it with `createdb nowhere`",
    ),
    "another kind of database": (
        lambda p: "mysql://ann:hunter2secret@127.0.0.1/calls",
        "is not the URL of a database that Callclock can use",
        "Write it as postgresql://",
    ),
    "a password that is not escaped": (
        lambda p: "postgresql://user:pass@word:hunter2secret@127.0.0.1/db",
        "is not the URL of a database that Callclock can use",
        "Write it as postgresql://",
    ),
    "no URL": (lambda p: "hunter2secret", "is not the URL of a database", "Write it as postgresql://"),
    "an unknown parameter": (
        lambda p: p.url() + "?colour=hunter2secret",
        "is not the URL of a database",
        "Write it as postgresql://",
    ),
    "a file in no folder": (
        lambda p: "sqlite:////nowhere/at/all.db",
        "The database file /nowhere/at/all.db cannot be used",
        "the rights on the file and its folder",
    ),
}


@pytest.mark.parametrize("command", [("migrate",), ("serve", "--port", "0")], ids=["migrate", "serve"])
@pytest.mark.parametrize("case", CASES)
def test_database_that_cannot_be_used_is_told_in_a_sentence(run, keys, postgres, case, command) -> None:
    url, sentence, remedy = CASES[case]
    status, out, err = run(*command, CALLCLOCK_DATABASE_URL=url(postgres), **keys)
    said = " ".join((out + err).split())
    assert status == 1
    assert sentence in said
    assert remedy in said
    assert "Traceback" not in said
    assert "hunter2secret" not in said


def test_serve_waits_for_a_migration_on_postgresql(run, keys, postgres_databases) -> None:
    url = postgres_databases.empty()
    status, _, err = run("serve", "--port", "0", CALLCLOCK_DATABASE_URL=url, **keys)
    assert status == 1
    assert "run callclock migrate, then start again" in err
    postgres_databases.drop(url)


def test_schema_of_a_later_version_is_left_alone(run, keys, database_url: str) -> None:
    async def stamp() -> None:
        database = await Database.open(database_url)
        async with database.write() as tx:
            await tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        await database.close()

    asyncio.run(stamp())
    status, out, _ = run("migrate", CALLCLOCK_DATABASE_URL=database_url, **keys)
    assert status == 0
    assert "is that of a later version; nothing was done" in out

"""Databases for all tests of the server: whoever asks for `database_url` runs on SQLite and on PostgreSQL.

A test about one of them asks for `sqlite_url` or `postgres_url`. Where this machine has no PostgreSQL that
half is skipped, and the end of the run says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from callclock_server.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from callclock_server.testing.postgres import Postgres, PostgresMissing

_missing: list[str] = []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the run. A test that stops it must start it again; better start your own."""
    try:
        server = Postgres()
    except PostgresMissing as exc:
        _missing.append(str(exc))
        pytest.skip(f"no PostgreSQL: {exc}")
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres: Postgres) -> PostgresDatabases:
    return PostgresDatabases(postgres)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Both kinds, one after the other."""
    kinds = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}
    found: Databases = request.getfixturevalue(kinds[request.param])
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own."""
    url = databases.fresh()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database of the test's own without a schema."""
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    url = sqlite_databases.fresh()
    yield url
    sqlite_databases.drop(url)


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    url = postgres_databases.fresh()
    yield url
    postgres_databases.drop(url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason in sorted(set(_missing)):
        terminalreporter.write_sep("=", "PostgreSQL: this half was not run", yellow=True)
        terminalreporter.write_line(f"{reason}. `make packages` installs what is missing, where apt-get is.")

"""Databases for tests: each test gets one of its own, migrated, in a few milliseconds.

Both kinds copy a template that is migrated once.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from pathlib import Path
from typing import Protocol

from callclock_server.storage.engine import async_url
from callclock_server.storage.migrate import migrate

from .postgres import Postgres

_TEMPLATE = "callclock_template"


class Databases(Protocol):
    """Makes databases of one kind."""

    name: str

    def fresh(self) -> str:
        """The URL of a new database with the present schema."""
        ...

    def empty(self) -> str:
        """The URL of a new database without any schema."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        ...


class SqliteDatabases:
    """SQLite files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._template: Path | None = None

    def fresh(self) -> str:
        if self._template is None:
            template = self._folder / "template.sqlite"
            asyncio.run(migrate(f"sqlite:///{template}"))
            self._template = template
        path = self._path()
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def empty(self) -> str:
        return f"sqlite:///{self._path()}"

    def drop(self, url: str) -> None:
        path = async_url(url).database or ""
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)

    def _path(self) -> Path:
        return self._folder / f"{next(self._numbers)}.sqlite"


class PostgresDatabases:
    """Databases of a running PostgreSQL."""

    name = "postgresql"

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._numbers = itertools.count(1)
        self._template_made = False

    def fresh(self) -> str:
        if not self._template_made:
            asyncio.run(migrate(self.postgres.create_database(_TEMPLATE)))
            self._template_made = True
        return self.postgres.create_database(self._name(), template=_TEMPLATE)

    def empty(self) -> str:
        return self.postgres.create_database(self._name())

    def drop(self, url: str) -> None:
        self.postgres.drop_database(async_url(url).database or "")

    def _name(self) -> str:
        return f"test_{next(self._numbers)}"

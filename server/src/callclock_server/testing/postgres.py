"""A real PostgreSQL of one's own: in a temporary folder, on a free loopback port, gone without a trace.

    with Postgres() as postgres:
        url = postgres.create_database("example")

Uses the programs of the machine's package. As root it runs them as an unprivileged user, which PostgreSQL
insists on. Not durable by default (`fsync=off`): for behaviour, not for measurements of writing.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from .ports import free_port

OWNER = "callclock"
GUARDED = "guarded"
GUARDED_PASSWORD = "a password of the tests"  # noqa: S105 - of tests only
READY_WITHIN_SECONDS = 30.0
_PACKAGED = Path("/usr/lib/postgresql")
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of a random name is made in it
_ROOM_BYTES = 1 << 30
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}
# Anybody on this machine may enter; the guarded user needs a password, so that a wrong one can be tried.
_ENTRY = f"host all {GUARDED} all scram-sha-256\nhost all all all trust\nlocal all all trust\n"


class PostgresMissing(Exception):
    """There is no PostgreSQL on this machine; the message says what was looked for."""


class Postgres:
    """A PostgreSQL server between `start` and `stop`; its data live until `remove`."""

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        parent: Path | None = None,
    ) -> None:
        """`parent` is where the temporary folder goes; default: into memory, where there is room for it."""
        self.host = host
        self._parent = parent or _roomy_memory()
        self.port = 0
        self._settings = {**_SETTINGS, **(settings or {})}
        self._programs = find_programs()
        self._user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._admin = _Admin()

    def url(self, database: str = "postgres", *, user: str = OWNER, password: str = "") -> str:
        """The URL of a database, as `CALLCLOCK_DATABASE_URL` wants it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@{self.host}:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The process to stop, to continue or to kill."""
        if self._process is None:
            raise RuntimeError("PostgreSQL does not run")
        return self._process.pid

    def start(self) -> Self:
        """Start on the same data and the same port as before; returns when connections are accepted."""
        fresh = self._folder is None
        if fresh:
            self._initialise()
        assert self._folder is not None
        self.port = self.port or free_port(self.host)
        data = self._folder / "data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        options = {**self._settings, "port": str(self.port), "listen_addresses": self.host}
        options["unix_socket_directories"] = str(self._folder)
        arguments = [f"--{name}={value}" for name, value in options.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                [self._programs / "postgres", "-D", data, *arguments],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._identity(),
            )
        self._wait_until_ready(data / "postmaster.pid")
        if fresh:
            self.execute(f"CREATE ROLE {GUARDED} SUPERUSER LOGIN PASSWORD '{GUARDED_PASSWORD}'")
        return self

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT closes all connections in order, SIGQUIT at once, as in a crash. Data stay."""
        self._admin.forget()
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=READY_WITHIN_SECONDS)
            self._process = None

    def restart(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stop and start again at the same address."""
        self.stop(how=how)
        self.start()

    def remove(self) -> None:
        """Stop and delete everything."""
        if self._process is not None:
            self.stop(how=signal.SIGQUIT)
        self._admin.close()
        atexit.unregister(self.remove)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def execute(self, statement: str, *, database: str = "postgres") -> Any:
        """Run SQL as the owner of everything; returns the rows. May be called from a coroutine's thread."""
        return self._admin.execute(self.url(database), statement)

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Create a database and return its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database with whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _initialise(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="callclock-postgres-", dir=self._parent))
        atexit.register(self.remove)
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        data = self._folder / "data"
        made = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [
                self._programs / "initdb",
                f"--username={OWNER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                "-D",
                data,
            ],
            capture_output=True,
            cwd=self._folder,
            check=False,
            **self._identity(),
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode()}")
        (data / "pg_hba.conf").write_text(_ENTRY)

    def _identity(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _wait_until_ready(self, status: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            lines = status.read_text().splitlines() if status.exists() else []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {self._log()}")
            time.sleep(0.01)

    def _log(self) -> str:
        assert self._folder is not None
        return (self._folder / "log").read_text()[-2000:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class _Admin:
    """A connection with an event loop and a thread of its own, so that anybody may wait for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres-admin")
        self._runner: asyncio.Runner | None = None
        self._connections: dict[str, asyncpg.Connection] = {}

    def execute(self, url: str, statement: str) -> Any:
        return self._thread.submit(self._run, self._execute(url, statement)).result()

    def forget(self) -> None:
        """Let go of connections to a server that stops."""
        self._thread.submit(self._run, self._forget()).result()

    def close(self) -> None:
        self.forget()
        if self._runner is not None:
            self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _run(self, work: Any) -> Any:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    async def _execute(self, url: str, statement: str) -> Any:
        connection = self._connections.get(url)
        if connection is None or connection.is_closed():
            connection = self._connections[url] = await asyncpg.connect(url)
        return await connection.fetch(statement)

    async def _forget(self) -> None:
        for connection in self._connections.values():
            connection.terminate()
        self._connections.clear()
        await asyncio.sleep(0)


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`: on the path, or Debian's newest. Raises `PostgresMissing`."""
    on_path = shutil.which("initdb")
    if on_path is not None and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    packaged = sorted(_PACKAGED.glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]))
    if not packaged:
        raise PostgresMissing(f"there is no initdb on the path and none under {_PACKAGED}")
    return packaged[-1].parent


def _roomy_memory() -> Path | None:
    """Memory that looks like a folder: a database is copied there six times as fast."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    return _MEMORY


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return known[name]
    raise PostgresMissing("PostgreSQL does not run as root, and there is no user postgres or nobody")

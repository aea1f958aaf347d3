"""A PostgreSQL for one run: in a temporary folder, on loopback, with its default durability."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# fsync, synchronous_commit and full_page_writes stay on, as they are by default. The rest is what any page on
# setting up PostgreSQL changes first, and the same for all who are measured here.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}
_PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql")


@dataclass(frozen=True)
class Postgres:
    """A running server. `url` names a database on it."""

    port: int
    pid: int
    programs: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://callclock@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create an empty database and return its URL."""
        self.sql(f"CREATE DATABASE {database}")
        return self.url(database)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement and return what it printed."""
        command = [str(self.programs / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        return subprocess.run(
            [*command, "-c", statement], check=True, capture_output=True, text=True
        ).stdout.strip()


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server in a temporary folder; stop it and remove the folder in the end."""
    programs = _programs()
    # PostgreSQL refuses to run as root.
    account: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="callclock-bench-") as folder:
        if account:
            shutil.chown(folder, "postgres", "postgres")
        data = Path(folder) / "data"
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        make = [programs / "initdb", "-D", data, "-U", "callclock", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(make, check=True, **quiet, **account)
        port = _free_port()
        options = {**SETTINGS, "port": str(port), "unix_socket_directories": folder}
        command = [programs / "postgres", "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        process = subprocess.Popen(command, **quiet, **account)
        try:
            ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "30"]
            while subprocess.run(ready, **quiet).returncode != 0:
                if process.poll() is not None:
                    raise RuntimeError("PostgreSQL did not start")
            yield Postgres(port, process.pid, programs)
        finally:
            process.send_signal(2)  # SIGINT: fast shutdown
            process.wait(60)


def _programs() -> Path:
    for place in _PLACES:
        found = sorted(Path(place).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if found:
            return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise SystemExit("This bench needs PostgreSQL's programs (Debian: postgresql).")
    return Path(on_path).resolve().parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

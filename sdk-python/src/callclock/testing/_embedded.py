"""`callclock serve --test-clock` as a process that lives as long as a `with` block."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from callclock._async.client import AsyncStreamClient
from callclock._sync.client import StreamClient
from callclock.errors import CallclockError

STOP_WITHIN_SECONDS = 10.0
_KEPT_LOG_CHARACTERS = 4_000
_URL = re.compile(r"https?://[^\s)]+")


class ServerNotInstalled(CallclockError):
    """The command `callclock` is not on this machine."""


class ServerNotStarted(CallclockError):
    """The server ended, or said nothing in time; the message has the end of what it wrote."""


class EmbeddedServer:
    """A server on a free loopback port with a test clock, a key of its own and nothing in its database.

    Use it in `with`, or call `start` and `stop`. Its data is gone when it stops. Raises `ServerNotInstalled`
    and `ServerNotStarted`; `start_within` is in seconds.
    """

    def __init__(self, *, start_within: float = 30.0) -> None:
        self.api_key = "test-key"
        self.secret = secrets.token_urlsafe(32)
        self.url = ""
        self._start_within = start_within
        self._process: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self.url!r})"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the process and wait until it accepts requests."""
        command = find_command()
        self._folder = tempfile.TemporaryDirectory(prefix="callclock-")
        try:
            self.url = self._run(command, Path(self._folder.name))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the process and remove its data; nothing to do where it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=STOP_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def client(self) -> StreamClient:
        """A client with this server's key; close it, or use it in `with`."""
        return StreamClient(self.api_key, self.secret, base_url=self.url)

    def async_client(self) -> AsyncStreamClient:
        """The same with `await`."""
        return AsyncStreamClient(self.api_key, self.secret, base_url=self.url)

    @staticmethod
    def fresh_id(prefix: str = "call") -> str:
        """An id that no other test uses, so that tests can share one server: `call-5f0c2b7e9a41`."""
        return f"{prefix}-{uuid.uuid4().hex[:12]}"

    def environ(self) -> dict[str, str]:
        """What an application under test needs in its environment to find this server."""
        return {"CALLCLOCK_URL": self.url, "CALLCLOCK_KEYS": f"{self.api_key}:{self.secret}"}

    def _run(self, command: str, folder: Path) -> str:
        # Nothing that is configured on this machine for another server may reach this one.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CALLCLOCK_")}
        environ["CALLCLOCK_KEYS"] = f"{self.api_key}:{self.secret}"
        environ["CALLCLOCK_DATA_DIR"] = str(folder / "data")
        environ["CALLCLOCK_MEDIA_HOST"] = environ["CALLCLOCK_MEDIA_ADDRESSES"] = "127.0.0.1"
        log = folder / "log"
        with log.open("w") as written:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, without input from outside
                [command, "serve", "--host", "127.0.0.1", "--port", "0", "--test-clock", "--end-with-input"],
                env=environ,
                # Held open by us alone: a test run that is killed takes the server with it.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            )
        found = _URL.search(self._first_line(self._process))
        if found is None:
            end = log.read_text(errors="replace")[-_KEPT_LOG_CHARACTERS:].strip()
            raise ServerNotStarted(
                f"`callclock serve --test-clock` did not start: {end or 'it said nothing'}"
            )
        return found[0]

    def _first_line(self, process: subprocess.Popen[str]) -> str:
        """The line that the server prints when it is ready; empty when it ended first or was too slow."""
        assert process.stdout is not None
        late = threading.Timer(self._start_within, process.kill)
        late.start()
        try:
            return process.stdout.readline()
        finally:
            late.cancel()


def find_command() -> str:
    """Where the command `callclock` is: beside this Python, else on the PATH. Raises `ServerNotInstalled`."""
    beside = shutil.which("callclock", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("callclock")
    if found is None:
        raise ServerNotInstalled(
            "The command `callclock` is neither beside this Python nor on the PATH: install the package "
            "callclock-server into the environment of the tests."
        )
    return found

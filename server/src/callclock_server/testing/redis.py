"""A real Redis of one's own: on a free loopback port, with nothing on disk, gone without a trace.

with RedisServer() as redis:
    url = redis.url()
"""

from __future__ import annotations

import atexit
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Self

from .ports import free_port

READY_WITHIN_SECONDS = 20.0


class RedisMissing(Exception):
    """There is no redis-server on this machine; the message says how to get it."""


class RedisServer:
    """A redis-server between `start` and `stop`; it keeps its port over a restart."""

    def __init__(self, *, password: str | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RedisMissing("redis-server is not on this machine (Debian: apt-get install redis-server)")
        self._program = program
        self._password = password
        self._folder = tempfile.TemporaryDirectory(prefix="callclock-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def url(self, *, password: str | None = None) -> str:
        """The URL as `CALLCLOCK_REDIS_URL` wants it; another password than the right one, if given."""
        secret = password if password is not None else self._password
        return f"redis://{f':{secret}@' if secret else ''}127.0.0.1:{self.port}/0"

    def send(self, number: signal.Signals) -> None:
        """Stop it for a while, or let it go on."""
        if self._process is None:
            raise RuntimeError("Redis does not run")
        self._process.send_signal(number)

    def start(self) -> Self:
        """Start; returns when connections are accepted."""
        self.port = self.port or free_port()
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        arguments += ["--dir", self._folder.name, "--daemonize", "no", "--loglevel", "warning"]
        if self._password:
            arguments += ["--requirepass", self._password]
        atexit.register(self.stop)
        self._process = subprocess.Popen(  # noqa: S603 - the program was found by its name
            [self._program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("redis-server did not start") from None
                time.sleep(0.01)
            else:
                return self

    def stop(self, *, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop at once; nobody is told."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=READY_WITHIN_SECONDS)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()

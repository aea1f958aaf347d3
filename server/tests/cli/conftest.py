"""The command as a process, and the command inside this process."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import structlog
from callclock_server.cli import main
from callclock_server.testing import ports

SECRET = "a-secret-of-the-tests-of-40-characters!!"
START_SECONDS = 60.0


class Command:
    """`callclock ...` as a process of its own."""

    def __init__(self, *arguments: str, folder: Path, **environ: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CALLCLOCK_")}
        self.ready_cpu_seconds = 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from callclock_server.cli import main; main()", *arguments],
            cwd=folder,
            env=clean | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._log_lines: queue.Queue[str | None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.stdout, self._lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.stderr, self._log_lines)),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, text: str) -> str:
        """The first line on standard output, from here on, that holds `text`."""
        line = self._wait(self._lines, text)
        spent = psutil.Process(self.process.pid).cpu_times()
        self.ready_cpu_seconds = spent.user + spent.system
        return line

    def wait_for_log(self, text: str) -> str:
        """The first line on standard error, from here on, that holds `text`."""
        return self._wait(self._log_lines, text)

    def _wait(self, lines: queue.Queue[str | None], text: str) -> str:
        deadline = time.monotonic() + START_SECONDS
        while True:
            line = lines.get(timeout=max(0.1, deadline - time.monotonic()))
            assert line is not None, f"ended without saying {text!r}: {self.stdout} {self.stderr}"
            if text in line:
                return line

    def finish(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if any, and wait for the end; the exit status."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=START_SECONDS)
        for reader in self._readers:
            reader.join(timeout=5)
        return status

    def _read(self, stream, kept: list[str], lines: queue.Queue[str | None]) -> None:
        with stream:
            for line in stream:
                kept.append(line)
                lines.put(line)
        lines.put(None)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts commands in a folder of the test's own; what still runs at the end is killed."""
    commands: list[Command] = []

    def begin(*arguments: str, **environ: str) -> Command:
        commands.append(Command(*arguments, folder=tmp_path, **environ))
        return commands[-1]

    yield begin
    for command in commands:
        command.finish(signal.SIGKILL)


@pytest.fixture
def run(monkeypatch, tmp_path: Path, capsys) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs a command in this process: exit status, standard output, standard error."""
    for name in list(os.environ):
        if name.startswith("CALLCLOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str, **environ: str) -> tuple[int, str, str]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    handlers = logging.getLogger().handlers[:]
    yield call
    # A command may have sent the logs to the test's own standard error, which is closed by now.
    logging.getLogger().handlers[:] = handlers
    structlog.reset_defaults()


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture
def keys() -> dict[str, str]:
    return {"CALLCLOCK_KEYS": f"key:{SECRET}"}

"""A real LiveKit server for tests and benches: one process on loopback ports that outlive it.

    with LiveKit(folder, webhooks=[f"{server.url}/v1/media/webhook"]) as livekit:
        ...livekit.settings for `Settings`, livekit.kill(), livekit.start()...

Its configuration is `deploy/livekit.yaml` with other ports, so that the file which operators get is proven.
`make livekit` provides the program.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from .ports import free_ports

ROOT = Path(__file__).resolve().parents[4]
BASE = ROOT / "deploy" / "livekit.yaml"
PROGRAMS = ROOT / ".cache" / "livekit"
API_KEY = "callclock"
API_SECRET = "a-secret-of-livekit-for-tests-only-32"  # noqa: S105 - of tests only
READY_WITHIN_SECONDS = 20.0
_PROBE_SECONDS = 2.0


class LiveKitMissing(Exception):
    """There is no livekit-server to start. `buildable`: `make livekit` would make one."""

    def __init__(self, message: str, *, buildable: bool) -> None:
        super().__init__(message)
        self.buildable = buildable


def program() -> Path:
    """Where the livekit-server is that `make livekit` provides. Raises `LiveKitMissing`."""
    found = sorted(PROGRAMS.glob("livekit-server-v*"))
    if found:
        return found[-1]
    if shutil.which("go") or shutil.which("livekit-server"):
        raise LiveKitMissing("there is no livekit-server yet: run make livekit", buildable=True)
    raise LiveKitMissing(
        "a real LiveKit was not tested: there is neither Go nor a livekit-server on this machine",
        buildable=False,
    )


def demand_livekit() -> None:
    """Skip the running test where no LiveKit can be had; fail it where `make livekit` was forgotten."""
    import pytest

    try:
        program()
    except LiveKitMissing as exc:
        if exc.buildable:
            pytest.fail(str(exc))
        pytest.skip(str(exc))


class LiveKit:
    """One LiveKit node; with `redis` (`host:port`) a node of the cluster that shares it.

    `room` are further keys of LiveKit's `room` section.
    """

    def __init__(
        self,
        folder: Path,
        *,
        webhooks: Sequence[str] = (),
        redis: str | None = None,
        auto_create: bool = False,
        api_key: str = API_KEY,
        api_secret: str = API_SECRET,
        **room: Any,
    ) -> None:
        self.folder = folder
        self.log = folder / "livekit.log"
        self.port, self.tcp_port = free_ports(2)
        (self.udp_port,) = free_ports(1, kind=socket.SOCK_DGRAM)
        self.api_key, self.api_secret = api_key, api_secret
        self.webhooks = list(webhooks)
        self._redis = redis
        self._room = {"auto_create": auto_create, **room}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that clients use."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        """The URL of the room API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of `Settings` that make a Callclock server use this LiveKit."""
        return {
            "livekit_url": self.url,
            "livekit_api_key": self.api_key,
            "livekit_api_secret": self.api_secret,
        }

    @property
    def pid(self) -> int:
        """The process id. Raises `RuntimeError` while it is not running."""
        if self._process is None:
            raise RuntimeError("this LiveKit does not run")
        return self._process.pid

    def start(self) -> Self:
        """Start and wait until it answers. Raises `LiveKitMissing`, or `RuntimeError` with the log's end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "livekit.json"  # JSON is YAML
        config.write_text(json.dumps(self._configuration()))
        command = [str(program()), "--config", str(config), "--bind", "127.0.0.1"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"LiveKit did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)
        return self

    def kill(self) -> None:
        """End it without warning, as `kill -9` does; its ports stay its own by luck alone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def pause(self) -> None:
        """Let it hang (SIGSTOP) until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.http_url, timeout=_PROBE_SECONDS) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _configuration(self) -> dict[str, Any]:
        import yaml

        base: dict[str, Any] = yaml.safe_load(BASE.read_text())
        base["port"] = self.port
        base["rtc"] |= {
            "udp_port": self.udp_port,
            "tcp_port": self.tcp_port,
            "node_ip": "127.0.0.1",
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo"]},
            # Nobody answers there; without one, clients would ask public STUN servers.
            "stun_servers": [f"127.0.0.1:{self.udp_port}"],
        }
        base["keys"] = {self.api_key: self.api_secret}
        base["room"] |= self._room
        base["webhook"] = {"api_key": self.api_key, "urls": self.webhooks}
        if self._redis is not None:
            base["redis"] = {"address": self._redis}
        return base

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.kill()

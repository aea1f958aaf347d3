"""`kill -9` of a real process, down across the deadline (design rule 4)."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from callclock_server.testing import API_KEY, SECRET, server_token
from livekit import rtc

from .visit import Seat

pytestmark = pytest.mark.punctual

SCRIPT = Path(__file__).with_name("process.py")
READY_WITHIN_SECONDS = 30.0


class Process:
    """A server process on a port and a folder that outlive it."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.folder = folder
        self.log = folder / "server.log"
        headers = {"X-Api-Key": API_KEY, "Authorization": f"Bearer {server_token()}"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, verify=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(SCRIPT), str(self.port), str(self.folder), API_KEY, SECRET]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            try:
                if self.client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                assert time.monotonic() < deadline, self.log.read_text()
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def must(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        response = self.client.request(method, path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    yield made
    made.kill()
    made.client.close()


@pytest.mark.parametrize("engine", ["none", "livekit"])
def test_a_call_whose_deadline_passed_while_the_server_was_dead_ends_at_its_deadline(
    process: Process, engine: str
) -> None:
    process.start()
    process.must("POST", "/v1/users", {"users": {"bill": {"id": "bill"}}})
    limits = {"limits": {"max_duration_seconds": 2}, "media": {"engine": engine}}
    data = {"created_by_id": "bill", "settings_override": limits}
    joined = process.must(
        "POST", "/v1/calls/default/visit/join", {"create": True, "user_id": "bill", "data": data}
    )
    deadline = datetime.fromisoformat(joined["call"]["session"]["timer_ends_at"])
    process.kill()
    time.sleep(max(0.0, (deadline - datetime.now(UTC)).total_seconds()) + 0.2)

    process.start()
    within = time.monotonic() + 1.0
    call = process.must("GET", "/v1/calls/default/visit")["call"]
    while call["ended_at"] is None and time.monotonic() < within:
        time.sleep(0.02)
        call = process.must("GET", "/v1/calls/default/visit")["call"]
    assert call["ended_at"] == joined["call"]["session"]["timer_ends_at"]
    assert call["ended_reason"] == "max_duration_reached"
    record = process.must("GET", f"/v1/calls/default/visit/sessions/{call['last_session_id']}/record")[
        "record"
    ]
    assert record["ended_at"] == call["ended_at"]

    settled = call["last_event_id"]
    process.kill()
    process.start()
    assert process.must("GET", "/v1/calls/default/visit")["call"]["last_event_id"] == settled


def test_logs_hold_no_tokens(process: Process) -> None:
    process.start()
    process.client.get("/v1/roles")
    httpx.get(f"{process.client.base_url}/rtc/validate?access_token=eyJsecretsecret.abc.def", verify=False)
    process.kill()
    text = process.log.read_text()
    assert '"route":"/v1/roles"' in text
    assert "eyJ" not in text


async def test_a_running_session_gets_its_room_back_after_a_kill(process: Process) -> None:
    process.start()
    process.must("POST", "/v1/users", {"users": {"bill": {"id": "bill"}}})
    data = {"created_by_id": "bill", "settings_override": {"limits": {"max_duration_seconds": 600}}}
    body = {"create": True, "user_id": "bill", "device_id": "tab", "data": data}
    joined = process.must("POST", "/v1/calls/default/visit/join", body)
    process.kill()

    process.start()
    async with asyncio.timeout(5):
        while not await enters(joined["media"]):  # noqa: ASYNC110 - another process makes the room
            await asyncio.sleep(0.1)
    session = process.must("GET", "/v1/calls/default/visit")["call"]["session"]
    assert session["timer_ends_at"] == joined["call"]["session"]["timer_ends_at"]


async def enters(media: dict[str, Any]) -> bool:
    """Whether the room can be entered."""
    try:
        seat = await Seat().connect(media)
    except rtc.ConnectError:
        return False
    await seat.room.disconnect()
    return True

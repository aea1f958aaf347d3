"""The server for users' tests, and what is said when it cannot be had."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from callclock import AsyncStreamClient, NotFound, StreamClient
from callclock.testing import EmbeddedServer, ServerNotInstalled, ServerNotStarted


def pretend_command(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `callclock` that does something else, and no other."""
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    command = folder / "callclock"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)


def test_fixtures_share_one_server_and_one_clock(
    callclock_server: EmbeddedServer, callclock_client: StreamClient
) -> None:
    before = callclock_client.test_clock.now()
    assert (callclock_client.test_clock.advance(1.5) - before).total_seconds() == 1.5
    with callclock_server.client() as other:
        assert (other.test_clock.now() - before).total_seconds() == 1.5


async def test_asynchronous_fixture_is_a_client_of_that_server(
    callclock_server: EmbeddedServer, async_callclock_client: AsyncStreamClient
) -> None:
    assert async_callclock_client.base_url == callclock_server.url
    assert await async_callclock_client.list_roles()


def test_fresh_ids_differ_and_are_ids(callclock_client: StreamClient) -> None:
    ids = {EmbeddedServer.fresh_id("lesson") for _ in range(3)}
    assert len(ids) == 3
    callclock_client.upsert_users({"ann": {}})
    for id in ids:
        assert callclock_client.video.call("default", id).create(data={"created_by_id": "ann"}).created


def test_missing_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerNotInstalled, match="install the package callclock-server"):
        EmbeddedServer().start()


def test_server_that_does_not_start_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_command(tmp_path, "echo out of memory >&2; exit 1", monkeypatch)
    with pytest.raises(ServerNotStarted, match="out of memory"):
        EmbeddedServer().start()


def test_server_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_command(tmp_path, "exec sleep 60", monkeypatch)
    server = EmbeddedServer(start_within=0.1)
    with pytest.raises(ServerNotStarted, match="said nothing"):
        server.start()
    server.stop()


def test_settings_of_this_machine_do_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_command(tmp_path, 'env >&2; echo "at http://127.0.0.1:1 (its clock)"; exec sleep 60', monkeypatch)
    monkeypatch.setenv("CALLCLOCK_REDIS_URL", "redis://production")
    server = EmbeddedServer()
    with server:
        assert server.url == "http://127.0.0.1:1"
        assert server.secret in server.environ()["CALLCLOCK_KEYS"]
        assert server._folder is not None
        written = (Path(server._folder.name) / "log").read_text()
    assert "CALLCLOCK_DATA_DIR" in written
    assert "redis" not in written


def test_server_ends_with_a_test_run_that_is_killed() -> None:
    script = (
        "from callclock.testing import EmbeddedServer\n"
        "import sys, time\n"
        "server = EmbeddedServer().start()\n"
        "print(server._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline()))
        run.kill()
    server.wait(timeout=10)


def test_server_on_real_time_has_no_test_clock() -> None:
    testing = pytest.importorskip("callclock_server.testing", reason="the server is not installed")
    with testing.running_server() as server:
        client = StreamClient(server.api_key, server.secret, base_url=server.url)
        with client, pytest.raises(NotFound) as refused:
            client.test_clock.advance(60)
    assert refused.value.code == "no-test-clock"

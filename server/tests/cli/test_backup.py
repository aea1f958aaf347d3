"""Backup while the server works, and what a restored server does."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from callclock import CallState, StreamClient

NO_MEDIA = {"media": {"engine": "none"}}


def visit(client: StreamClient, name: str, *, seconds: int) -> CallState:
    call = client.video.call("default", name)
    override = NO_MEDIA | {"limits": {"max_duration_seconds": seconds}}
    call.create(data={"created_by_id": "ann", "settings_override": override})
    return call.join(user_id="ann").call


def test_backup_of_a_working_server_is_whole_and_its_sessions_end_on_time(
    start, run, keys, free_port, tmp_path: Path
) -> None:
    key, _, secret = keys["CALLCLOCK_KEYS"].partition(":")
    url = f"http://127.0.0.1:{free_port}"
    server = start("serve", "--port", str(free_port), **keys)
    server.wait_for(url)
    copy = tmp_path / "restored" / "callclock.db"
    copy.parent.mkdir()
    with StreamClient(key, secret, base_url=url) as client:
        client.upsert_users({"ann": {}})
        short = visit(client, "short", seconds=2)
        long = visit(client, "long", seconds=3600)
        done = threading.Event()

        def work() -> None:
            with StreamClient(key, secret, base_url=url) as other:
                while not done.is_set():
                    other.video.call("default", "long").update(custom={"busy": True})

        busy = threading.Thread(target=work)
        busy.start()
        status, out, _ = run("backup", str(copy))
        done.set()
        busy.join()
        assert (status, "checked" in out) == (0, True)
        client.video.call("default", "long").extend(600)
    server.finish(signal.SIGTERM)
    wait_until(short.session.timer_ends_at)

    start("serve", "--port", str(free_port), CALLCLOCK_DATA_DIR=str(copy.parent), **keys).wait_for(url)
    with StreamClient(key, secret, base_url=url) as client:
        until_ended(client, "short")
        restored = {name: client.video.call("default", name).get().call for name in ("short", "long")}
    assert restored["short"].ended_at == short.session.timer_ends_at
    assert restored["short"].ended_reason == "max_duration_reached"
    # What happened after the backup is not in it: the extension is gone.
    assert restored["long"].session.timer_ends_at == long.session.timer_ends_at


def wait_until(moment: datetime) -> None:
    threading.Event().wait(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.1)


def test_backup_writes_over_nothing_and_knows_what_it_cannot_copy(run, keys, tmp_path: Path) -> None:
    assert "There is no database" in run("backup", "copy.db", **keys)[2]
    run("migrate", **keys)
    assert run("backup", "copy.db")[0] == 0
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    status, _, err = run("backup", "copy.db")
    assert (status, "exists already" in err) == (1, True)
    assert "pg_dump" in run("backup", "other.db", CALLCLOCK_DATABASE_URL="postgresql://a@b/c")[2]
    assert sorted(file.name for file in tmp_path.glob("*.db")) == ["copy.db"]


def until_ended(client: StreamClient, call_id: str) -> None:
    """Give the server, which answers at once after its start, the moment to settle what is overdue."""
    deadline = time.monotonic() + 5.0
    while client.video.call("default", call_id).get().call.ended_at is None:
        assert time.monotonic() < deadline, "the overdue session was not settled"
        time.sleep(0.02)

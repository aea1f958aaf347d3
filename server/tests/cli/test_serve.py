"""`callclock serve` and `callclock migrate` as processes."""

from __future__ import annotations

import json
import re
import signal
import socket

import httpx
import pytest
from callclock import CallUpdated, RetryPolicy, SessionStarted, StateRefreshed, StreamClient
from callclock_server.testing.livekit import LiveKit, demand_livekit


def test_serve_prints_one_line_with_its_url_and_logs_to_standard_error(start, keys) -> None:
    server = start("serve", "--port", "0", **keys)
    [url] = re.findall(r"http://\S+", server.wait_for("http://"))
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    assert server.finish(signal.SIGTERM) == 0
    assert len(server.stdout) == 1
    assert all(json.loads(line) for line in server.stderr)


def test_serve_without_keys_says_how_to_make_one(start) -> None:
    server = start("serve", "--port", "0")
    assert server.finish() == 1
    assert server.stdout == []
    assert "callclock keys generate" in "".join(server.stderr)
    assert "Traceback" not in "".join(server.stderr)


def test_serve_with_a_test_clock_keeps_nothing(start, keys, tmp_path) -> None:
    server = start("serve", "--port", "0", "--test-clock", TMPDIR=str(tmp_path), **keys)
    line = server.wait_for("http://")
    assert "test clock" in line
    [folder] = tmp_path.glob("callclock-*")
    assert (folder / "callclock.db").is_file()
    assert server.finish(signal.SIGTERM) == 0
    assert list(tmp_path.iterdir()) == []


def test_serve_with_a_test_clock_is_refused_where_people_depend_on_it(run, keys) -> None:
    status, out, err = run("serve", "--test-clock", "--host", "0.0.0.0", **keys)
    assert (status, out) == (1, "")
    assert "--test-clock is refused, because this looks like production: CALLCLOCK_HOST is 0.0.0.0" in err


@pytest.mark.parametrize(
    ("auto_create", "secret", "words"),
    [
        (False, "another-secret-of-livekit-of-32-characters", "refuses the key 'callclock'"),
        (True, None, "room.auto_create is on"),
    ],
    ids=["refused key", "auto_create"],
)
def test_serve_with_a_livekit_that_it_must_not_use_says_why(
    start, keys, tmp_path, auto_create: bool, secret: str | None, words: str
) -> None:
    demand_livekit()
    with LiveKit(tmp_path / "livekit", auto_create=auto_create) as livekit:
        environ = {f"CALLCLOCK_{name.upper()}": value for name, value in livekit.settings.items()}
        environ["CALLCLOCK_LIVEKIT_API_SECRET"] = secret or livekit.api_secret
        server = start("serve", "--port", "0", **keys, **environ)
        assert server.finish() == 1
    said = "".join(server.stderr)
    assert words in said
    assert "Traceback" not in said
    assert environ["CALLCLOCK_LIVEKIT_API_SECRET"] not in said


def test_serve_on_a_port_in_use_says_so(start, keys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = start("serve", "--port", str(port), **keys)
        assert server.finish() == 1
    said = "".join(server.stderr)
    assert f"Port {port} on 127.0.0.1 is in use" in said
    assert f"--port {port + 1}" in said
    assert "Traceback" not in said


def test_serve_with_an_old_schema_that_it_may_not_change_says_migrate(start, keys, tmp_path) -> None:
    (tmp_path / "callclock-data").mkdir()
    (tmp_path / "callclock-data" / "callclock.db").touch()
    server = start("serve", "--port", "0", CALLCLOCK_MIGRATE="false", **keys)
    assert server.finish() == 1
    assert "callclock migrate" in "".join(server.stderr)
    assert "Traceback" not in "".join(server.stderr)


def test_serve_without_its_redis_says_so_and_not_the_password(start, keys, free_port) -> None:
    url = f"redis://:hidden-word@127.0.0.1:{free_port}/0"
    server = start("serve", "--port", "0", CALLCLOCK_REDIS_URL=url, **keys)
    assert server.finish() == 1
    said = "".join(server.stderr)
    assert f"Redis at redis://127.0.0.1:{free_port}/0 cannot be used" in said
    assert "CALLCLOCK_REDIS_URL" in said
    assert "hidden-word" not in said
    assert "Traceback" not in said


def test_migrate_says_whether_anything_was_to_be_done(start, empty_url: str) -> None:
    first = start("migrate", CALLCLOCK_DATABASE_URL=empty_url)
    assert first.finish() == 0
    assert "was migrated" in first.stdout[0]
    second = start("migrate", CALLCLOCK_DATABASE_URL=empty_url)
    assert second.finish() == 0
    assert "is current" in second.stdout[0]


def test_killed_server_comes_back_and_clients_go_on(start, keys, free_port, database_url: str) -> None:
    environ = {**keys, "CALLCLOCK_DATABASE_URL": database_url}
    key, _, secret = keys["CALLCLOCK_KEYS"].partition(":")
    first = start("serve", "--port", str(free_port), **environ)
    url = f"http://127.0.0.1:{free_port}"
    first.wait_for(url)
    patient = RetryPolicy(attempts=100, first_delay_seconds=0.1, max_delay_seconds=0.3)
    with StreamClient(key, secret, base_url=url, retries=patient) as client:
        client.upsert_users({"ann": {}})
        call = client.video.call("default", "a")
        call.create(data={"created_by_id": "ann", "settings_override": {"media": {"engine": "none"}}})
        with call.events() as events:
            assert isinstance(next(events), StateRefreshed)
            first.finish(signal.SIGKILL)
            start("serve", "--port", str(free_port), **environ).wait_for(url)
            call.update(custom={"after": "the restart"})
            assert isinstance(next(events), CallUpdated | StateRefreshed)
            call.join(user_id="ann")
            assert any(isinstance(event, SessionStarted | StateRefreshed) for event in events)
        assert call.get().call.custom == {"after": "the restart"}

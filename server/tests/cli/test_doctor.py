"""`callclock doctor`: every kind of trouble, each with its remedy."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest
from callclock_server.storage.migrate import migrate
from callclock_server.testing import running_server
from callclock_server.timekeeping import FakeClock

SECRET = "a-secret-of-the-tests-of-40-characters!!"


@pytest.fixture
def healthy(keys, free_port, tmp_path: Path) -> dict[str, str]:
    return keys | {"CALLCLOCK_PORT": str(free_port), "CALLCLOCK_DATA_DIR": str(tmp_path / "data")}


def line(out: str, subject: str) -> str:
    """The report's line on `subject`."""
    return next(each for each in out.splitlines() if re.match(rf"(ok|warn|fail) +{subject} ", each))


def test_fresh_machine_is_healthy(run, healthy) -> None:
    status, out, _ = run("doctor", **healthy)
    assert status == 0
    assert not any(each.startswith("fail") for each in out.splitlines())
    assert line(out, "port").startswith("ok")


def test_missing_key_fails_and_says_how_to_make_one(run, healthy) -> None:
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_KEYS": ""})
    assert status == 1
    assert line(out, "keys").startswith("fail")
    assert "callclock keys generate" in out


def test_short_secret_is_a_warning(run, healthy) -> None:
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_KEYS": "key:twenty-characters-ok"})
    assert status == 0
    assert line(out, "keys").startswith("warn")


def test_unreadable_configuration_is_told(run, healthy) -> None:
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_PORT": "eighty"})
    assert status == 1
    assert "CALLCLOCK_PORT" in line(out, "configuration")


def test_data_folder_that_is_a_file_fails(run, healthy, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    status, out, _ = run("doctor", **healthy)
    assert status == 1
    assert line(out, "data folder").startswith("fail")
    assert "CALLCLOCK_DATA_DIR" in out


def test_current_database_is_told_from_an_old_one(run, healthy, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "callclock.db"
    file.touch()
    assert line(run("doctor", **healthy)[1], "database").startswith("warn")
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_MIGRATE": "false"})
    assert status == 1
    assert "callclock migrate" in out
    asyncio.run(migrate(f"sqlite+aiosqlite:///{file}"))
    assert "current" in line(run("doctor", **healthy)[1], "database")


def test_database_that_is_none_fails(run, healthy) -> None:
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_DATABASE_URL": "nonsense"})
    assert status == 1
    assert "CALLCLOCK_DATABASE_URL" in out


def test_port_of_another_program_fails(run, healthy) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        taken = str(silent.getsockname()[1])
        status, out, _ = run("doctor", **healthy | {"CALLCLOCK_PORT": taken})
    assert status == 1
    assert line(out, "port").startswith("fail")


def test_running_server_answers_and_everything_about_it_is_tried(run, healthy) -> None:
    with running_server() as server:
        own = {"CALLCLOCK_PORT": server.url.rpartition(":")[2], "CALLCLOCK_PUBLIC_URL": server.url}
        own |= {"CALLCLOCK_KEYS": f"{server.api_key}:{server.secret}"}
        status, out, _ = run("doctor", **healthy | own)
    assert status == 0, out
    assert " ms" in line(out, "server")
    for subject in ("server", "key", "public URL", "WebSockets", "webhooks", "media"):
        assert line(out, subject).startswith("ok"), out


def test_key_that_the_running_server_does_not_know_fails(run, healthy) -> None:
    with running_server() as server:
        status, out, _ = run("doctor", **healthy | {"CALLCLOCK_PORT": server.url.rpartition(":")[2]})
    assert status == 1
    assert line(out, "key").startswith("fail")
    assert SECRET not in out


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "warn", "CALLCLOCK_LIVEKIT_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:9"}, "warn", "CALLCLOCK_DATABASE_URL"),
        ({"HOST": "0.0.0.0"}, "warn", "CALLCLOCK_PUBLIC_URL"),
        (
            {
                "PUBLIC_URL": "https://127.0.0.1:9",
                "LIVEKIT_URL": "ws://127.0.0.1:9",
                "LIVEKIT_API_KEY": "k",
                "LIVEKIT_API_SECRET": SECRET,
            },
            "fail",
            "wss://",
        ),
    ],
)
def test_parts_that_do_not_fit_are_told(run, healthy, settings, level, words) -> None:
    out = run("doctor", **healthy | {f"CALLCLOCK_{name}": value for name, value in settings.items()})[1]
    assert line(out, "parts").startswith(level)
    assert words in out


def test_clock_that_differs_is_a_warning(run, healthy) -> None:
    with running_server(clock=FakeClock()) as server:
        port = server.url.rpartition(":")[2]
        out = run("doctor", **healthy | {"CALLCLOCK_PORT": port})[1]
    assert line(out, "server").startswith("warn")
    assert "NTP" in out


def test_media_port_in_use_fails(run, healthy) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        status, out, _ = run("doctor", **healthy | {"CALLCLOCK_MEDIA_PORT": str(other.getsockname()[1])})
    assert status == 1
    assert "CALLCLOCK_MEDIA_PORT" in out


def test_missing_web_files_are_a_warning(run, healthy, tmp_path: Path) -> None:
    status, out, _ = run("doctor", **healthy | {"CALLCLOCK_WEB_DIR": str(tmp_path / "nothing")})
    assert status == 0
    assert line(out, "web files").startswith("warn")
    assert "make web" in out

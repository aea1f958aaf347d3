"""Configuration: environment, file, and sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from callclock_server.app import create_app
from callclock_server.settings import Settings, SettingsError
from callclock_server.storage import migrate
from callclock_server.testing import running_server
from pydantic import ValidationError

SECRET = "s" * 32


def test_the_environment_wins_over_the_file_and_arguments_over_both(tmp_path: Path) -> None:
    file = tmp_path / "callclock.toml"
    file.write_text('port = 9000\nhost = "::"\nlog_level = "debug"\n')
    environ = {"CALLCLOCK_CONFIG": str(file), "CALLCLOCK_HOST": "0.0.0.0", "CALLCLOCK_PORT": ""}
    settings = Settings.load(environ=environ, log_level="error")
    assert (settings.port, settings.host, settings.log_level) == (9000, "0.0.0.0", "error")


def test_several_keys_are_read_in_order() -> None:
    settings = Settings.load(environ={"CALLCLOCK_KEYS": f"a:{SECRET}, b:{SECRET}x"})
    assert list(settings.keys) == ["a", "b"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CALLCLOCK_PORT": "many"}, "CALLCLOCK_PORT"),
        ({"CALLCLOCK_KEYS": "justakey"}, "key:secret"),
        ({"CALLCLOCK_KEYS": "a:short"}, "shorter than"),
        ({"CALLCLOCK_KEYS": f"a:{SECRET},a:{SECRET}"}, "twice"),
        ({"CALLCLOCK_PUBLIC_URL": "call.example"}, "CALLCLOCK_PUBLIC_URL"),
        ({"CALLCLOCK_PUBLIC_URL": "https://call.example:many"}, "names no host, or a port"),
        ({"CALLCLOCK_PUBLIC_URL": "https://[::1"}, "names no host"),
        ({"CALLCLOCK_PUBLIC_URL": "https://"}, "names no host"),
        ({"CALLCLOCK_LIVEKIT_URL": "wss://media.example"}, "needs CALLCLOCK_LIVEKIT_API_KEY"),
        ({"CALLCLOCK_REDIS_URL": f"redis://:{SECRET}/x@redis:6379/0"}, "cannot be read; in a password write"),
        ({"CALLCLOCK_CONFIG": "/no/such/file"}, "does not exist"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as raised:
        Settings.load(environ=environ)
    assert SECRET not in str(raised.value)


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("prot = 1\n")
    with pytest.raises(SettingsError, match="PROT"):
        Settings.load(environ={}, file=tmp_path / "c.toml")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("127.0.0.1", "http://127.0.0.1:8000"),
    ],
)
def test_the_server_reaches_itself_over_loopback(host: str, url: str) -> None:
    assert Settings(host=host).loopback_url == url


def test_the_embedded_media_key_lasts_as_long_as_the_first_secret() -> None:
    keys: dict[str, Any] = {"a": SECRET}
    _, derived = Settings(keys=keys).embedded_credentials
    assert Settings(keys={**keys, "b": "t" * 32}).embedded_credentials[1] == derived
    assert Settings(keys={"a": "t" * 32}).embedded_credentials[1] != derived
    assert SECRET not in derived


def test_a_server_without_keys_does_not_start() -> None:
    with pytest.raises(SettingsError, match="CALLCLOCK_KEYS"):
        create_app(Settings())


def test_a_server_does_not_touch_a_schema_that_it_may_not_migrate(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), running_server(data_dir=tmp_path, migrate=False):
        pass


async def test_a_migrated_database_is_served_without_migrating(tmp_path: Path) -> None:
    await migrate.migrate(f"sqlite:///{tmp_path / 'callclock.db'}")
    async with running_server(data_dir=tmp_path, migrate=False) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]

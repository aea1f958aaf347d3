"""`callclock doctor` on real services: right, wrong and absent."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from callclock_server.cli.checks.finding import Level
from callclock_server.cli.checks.web import check_certificate
from callclock_server.testing import running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit
from callclock_server.testing.postgres import GUARDED, GUARDED_PASSWORD, Postgres
from callclock_server.testing.redis import RedisMissing, RedisServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REDIS_PASSWORD = "a-password-of-redis"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    try:
        server = RedisServer(password=REDIS_PASSWORD)
    except RedisMissing as exc:
        pytest.skip(str(exc))
    with server:
        yield server


@pytest.fixture
def environ(keys, free_port) -> dict[str, str]:
    return keys | {"CALLCLOCK_PORT": str(free_port)}


def lines(out: str, subject: str) -> str:
    """The report's line on `subject`, with its remedy."""
    rows = out.splitlines()
    start = next(n for n, row in enumerate(rows) if re.match(rf"(ok|warn|fail) +{subject} ", row))
    end = next((n for n in range(start + 1, len(rows)) if re.match(r"(ok|warn|fail) ", rows[n])), len(rows))
    return " ".join(row.strip() for row in rows[start:end])


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()[1]


def test_good_postgresql_is_told_with_clock_connections_and_nodes(run, environ, postgres_url) -> None:
    out = run("doctor", **environ | {"CALLCLOCK_DATABASE_URL": postgres_url})[1]
    assert "its schema is current" in lines(out, "database")
    for subject in ("database", "clock", "connections", "nodes"):
        assert lines(out, subject).startswith("ok"), out
    assert "200 connections" in lines(out, "connections")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("password", "password authentication failed"),
        ("database", "has no database no_such_database"),
        ("port", "does not answer"),
        ("schema", "callclock migrate"),
    ],
)
def test_wrong_postgresql_fails_with_the_reason(
    run, environ, postgres: Postgres, wrong, words, nobody
) -> None:
    url = {
        "password": postgres.url(user=GUARDED, password="another-password"),
        "database": postgres.url("no_such_database"),
        "port": f"postgresql://callclock@127.0.0.1:{nobody}/x",
        "schema": postgres.url(user=GUARDED, password=GUARDED_PASSWORD.replace(" ", "%20")),
    }[wrong]
    status, out, err = run("doctor", **environ | {"CALLCLOCK_DATABASE_URL": url})
    assert status == 1
    assert lines(out, "database").startswith("fail")
    assert words in lines(out, "database")
    assert "another-password" not in out + err


def test_schema_of_a_later_version_is_a_warning_and_the_server_starts(
    run, start, environ, postgres: Postgres, postgres_url
) -> None:
    name = postgres_url.rpartition("/")[2]
    postgres.execute("UPDATE alembic_version SET version_num = 'ffff'", database=name)
    own = environ | {"CALLCLOCK_DATABASE_URL": postgres_url}
    assert "later version" in lines(run("doctor", **own)[1], "database")
    start("serve", **own).wait_for("http://")


def test_redis_carries_a_message(run, environ, redis: RedisServer) -> None:
    out = run("doctor", **environ | {"CALLCLOCK_REDIS_URL": redis.url()})[1]
    assert lines(out, "Redis").startswith("ok")
    assert "ms" in lines(out, "Redis")


@pytest.mark.parametrize("password", ["wrong-password", ""])
def test_redis_that_refuses_us_fails(run, environ, redis: RedisServer, password) -> None:
    url = redis.url(password=password)
    status, out, err = run("doctor", **environ | {"CALLCLOCK_REDIS_URL": url})
    assert status == 1
    assert "password" in lines(out, "Redis")
    assert "wrong-password" not in out + err


def test_redis_that_is_away_fails(run, environ, nobody) -> None:
    status, out, _ = run("doctor", **environ | {"CALLCLOCK_REDIS_URL": f"redis://127.0.0.1:{nobody}/0"})
    assert status == 1
    assert "CALLCLOCK_REDIS_URL" in lines(out, "Redis")


def test_livekit_and_server_are_tried_both_ways(run, environ, tmp_path: Path) -> None:
    demand_livekit()
    livekit = LiveKit(tmp_path / "livekit")
    with running_server(**livekit.settings) as server:
        livekit.webhooks = [f"{server.url}/v1/media/webhook"]
        own = livekit_environ(livekit) | {
            "CALLCLOCK_PORT": server.url.rpartition(":")[2],
            "CALLCLOCK_KEYS": f"{server.api_key}:{server.secret}",
        }
        with livekit:
            status, out, _ = run("doctor", **environ | own)
    assert status == 0, out
    for subject in ("LiveKit", "auto_create", "webhooks", "media"):
        assert lines(out, subject).startswith("ok"), out


def test_livekit_that_opens_any_room_or_refuses_the_key_fails(run, environ, tmp_path: Path) -> None:
    demand_livekit()
    with LiveKit(tmp_path / "livekit", auto_create=True) as livekit:
        status, out, _ = run("doctor", **environ | livekit_environ(livekit))
        assert status == 1
        assert "room.auto_create" in lines(out, "auto_create")
        wrong = {"CALLCLOCK_LIVEKIT_API_SECRET": "another-secret-of-at-least-32-characters"}
        status, out, err = run("doctor", **environ | livekit_environ(livekit) | wrong)
    assert status == 1
    assert "refuses the key" in lines(out, "LiveKit")
    assert "another-secret" not in out + err


def livekit_environ(livekit: LiveKit) -> dict[str, str]:
    return {f"CALLCLOCK_{name.upper()}": value for name, value in livekit.settings.items()}


@pytest.mark.parametrize(
    ("days", "trusted", "level"), [(90, True, Level.OK), (5, True, Level.WARN), (90, False, Level.FAIL)]
)
async def test_certificate_is_looked_at_before_it_expires(
    days: int, trusted: bool, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, days=days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        finding = await check_certificate("public TLS", f"wss://localhost:{port}")
    assert finding is not None
    assert finding.level is level
    assert bool(finding.remedy) is (level is not Level.OK)


def certificate(folder: Path, *, days: int) -> Path:
    """A self-signed certificate of `localhost` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return file

"""What `callclock doctor` looks at. Each check says what it found and, where needed, how to mend it."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import httpx
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from callclock_server.app import web_folder
from callclock_server.settings import Settings
from callclock_server.storage.migrate import pending

GOOD_SECRET_LENGTH = 32
CLOCK_DIFFERENCE_SECONDS = 2.0
ANSWER_WITHIN_SECONDS = 5.0


class Level(Enum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def check_keys(settings: Settings) -> Finding:
    """At least one key, with a secret that cannot be guessed."""
    if not settings.keys:
        remedy = "Run `callclock keys generate` and put the line into the environment."
        return Finding(Level.FAIL, "keys", "There is no API key.", remedy)
    short = [key for key, secret in settings.keys.items() if len(secret) < GOOD_SECRET_LENGTH]
    if short:
        text = f"The secret of {', '.join(short)} is shorter than {GOOD_SECRET_LENGTH} characters."
        return Finding(Level.WARN, "keys", text, "Make a better one with `callclock keys generate`.")
    return Finding(Level.OK, "keys", f"{len(settings.keys)} configured.")


def check_data_folder(settings: Settings) -> Finding:
    """The folder of the embedded database can be written, or made."""
    folder = settings.data_dir.absolute()
    if settings.database_url is not None:
        return Finding(Level.OK, "data folder", "Not needed: CALLCLOCK_DATABASE_URL is set.")
    remedy = "Set CALLCLOCK_DATA_DIR to a folder in which this user may write."
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not existing.is_dir():
        return Finding(Level.FAIL, "data folder", f"{existing} is not a folder.", remedy)
    if existing != folder:
        if os.access(existing, os.W_OK | os.X_OK):
            return Finding(Level.OK, "data folder", f"{folder} will be made at the first start.")
        return Finding(Level.FAIL, "data folder", f"{folder} cannot be made.", remedy)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding(Level.OK, "data folder", f"{folder} can be written.")
    except OSError as exc:
        return Finding(Level.FAIL, "data folder", f"{folder} cannot be written: {exc.strerror}.", remedy)


async def check_database(settings: Settings) -> Finding:
    """The database answers and has the present schema."""
    url = settings.effective_database_url
    remedy = "Check CALLCLOCK_DATABASE_URL and that the database runs."
    try:
        parsed = make_url(url)
        if _is_missing_file(parsed):
            return Finding(Level.OK, "database", "It will be made at the first start.")
        behind = await pending(url)
    except ArgumentError:
        return Finding(Level.FAIL, "database", "CALLCLOCK_DATABASE_URL is not a database URL.", remedy)
    except ImportError as exc:
        return Finding(Level.FAIL, "database", f"Its driver is missing: {exc.name}.", "Install it with pip.")
    except DBAPIError as exc:
        return Finding(Level.FAIL, "database", f"It cannot be used: {exc.orig}.", remedy)
    except OSError as exc:
        return Finding(Level.FAIL, "database", f"It cannot be reached: {exc}.", remedy)
    if not behind:
        return Finding(Level.OK, "database", "It answers and its schema is current.")
    if settings.migrates_at_start:
        return Finding(Level.WARN, "database", "Its schema is old; the next start migrates it.")
    return Finding(Level.FAIL, "database", "Its schema is old.", "Run `callclock migrate`.")


def _is_missing_file(url: URL) -> bool:
    """Whether it is a SQLite file that is not there yet: looking at it would make it."""
    file = url.database if url.get_backend_name() == "sqlite" else None
    return bool(file) and file != ":memory:" and not Path(str(file)).exists()


async def check_server(settings: Settings) -> Finding:
    """Either the server answers, with a clock like ours, or its port is free."""
    found = await _answer(settings.loopback_url)
    if found is not None:
        return found
    try:
        with socket.create_server((settings.host, settings.port)):
            return Finding(Level.OK, "port", f"{settings.port} is free; the server does not run.")
    except OSError as exc:
        text = f"Port {settings.port} on {settings.host} cannot be used: {exc.strerror}."
        remedy = "Stop the program that uses it, or set CALLCLOCK_PORT and CALLCLOCK_HOST."
        return Finding(Level.FAIL, "port", text, remedy)


async def check_public_url(settings: Settings) -> Finding | None:
    """The address that browsers use leads to a Callclock server."""
    if settings.public_url is None:
        return None
    found = await _answer(settings.public_url)
    if found is not None:
        return Finding(found.level, "public URL", found.text, found.remedy)
    remedy = "Start the server, and let the proxy in front of it pass requests and WebSockets on."
    return Finding(Level.WARN, "public URL", f"{settings.public_url} does not answer.", remedy)


def check_media_port(settings: Settings, *, server_runs: bool) -> Finding:
    """The embedded media's UDP port can be had, and can be named in a firewall."""
    if not settings.embedded_media:
        return Finding(Level.OK, "media", f"A LiveKit server at {settings.livekit_url}.")
    if settings.media_port == 0:
        if settings.host in ("127.0.0.1", "localhost", "::1"):
            return Finding(Level.OK, "media", "A free UDP port at each start.")
        remedy = "Set CALLCLOCK_MEDIA_PORT and open that UDP port in the firewall."
        return Finding(Level.WARN, "media", "The UDP port is another one at each start.", remedy)
    family = socket.AF_INET6 if ":" in settings.media_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((settings.media_host, settings.media_port))
        except OSError as exc:
            if server_runs:
                return Finding(Level.OK, "media", f"UDP port {settings.media_port} is used by the server.")
            text = f"UDP port {settings.media_port} cannot be used: {exc.strerror}."
            return Finding(Level.FAIL, "media", text, "Choose another with CALLCLOCK_MEDIA_PORT.")
    return Finding(Level.OK, "media", f"UDP port {settings.media_port} is free.")


def check_web_files(settings: Settings) -> Finding:
    """The telemedicine app is built."""
    folder = web_folder(settings)
    if folder is not None and (folder / "index.html").is_file():
        return Finding(Level.OK, "web files", "Built.")
    remedy = "Run `make web`, or set CALLCLOCK_WEB_DIR to a folder that holds them. The API needs none."
    return Finding(Level.WARN, "web files", "Not built.", remedy)


async def _answer(url: str) -> Finding | None:
    """What is at `url`: our server and its clock, something else, or (None) nothing."""
    started = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_SECONDS) as client:
            response = await client.get(f"{url}/healthz")
    except httpx.TransportError:
        return None
    half_way = (time.monotonic() - started) / 2
    try:
        told = datetime.fromisoformat(response.json()["server_time"])
    except (ValueError, KeyError, TypeError):
        remedy = "Stop that program, or choose another port or URL."
        return Finding(Level.FAIL, "server", f"At {url} something answers that is not Callclock.", remedy)
    difference = (told - datetime.now(UTC)).total_seconds() + half_way
    if abs(difference) > CLOCK_DIFFERENCE_SECONDS:
        text = f"It answers at {url}, but its clock differs from this machine's by {difference:+.1f} s."
        return Finding(Level.WARN, "server", text, "Let both machines keep time by NTP.")
    return Finding(
        Level.OK, "server", f"It answers at {url}; its clock differs by {difference * 1000:+.0f} ms."
    )

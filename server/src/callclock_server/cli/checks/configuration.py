"""Settings that can be judged without asking anybody."""

from __future__ import annotations

import os
import tempfile

from callclock_server.app import web_folder
from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.settings import Settings

GOOD_SECRET_LENGTH = 32
LOOPBACK = ("127.0.0.1", "localhost", "::1")


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


def check_parts(settings: Settings) -> list[Finding]:
    """The parts fit each other: what is right alone may be wrong together."""
    findings: list[Finding] = []
    if settings.has_others and settings.embedded_media:
        findings.append(
            Finding(
                Level.WARN,
                "parts",
                "Embedded media beside a shared database: a room lives in one process, so a second process "
                "would send people to rooms of its own.",
                "Run one process only, or set CALLCLOCK_LIVEKIT_URL with its key and secret.",
            )
        )
    if settings.redis_url and not settings.has_others:
        text = "Redis is of no use to SQLite, which has one process only."
        remedy = "Set CALLCLOCK_DATABASE_URL to a PostgreSQL, or take CALLCLOCK_REDIS_URL away."
        findings.append(Finding(Level.WARN, "parts", text, remedy))
    public = settings.public_url or ""
    plain = [each for each in settings.livekit_clusters if each.url.startswith(("http://", "ws://"))]
    if public.startswith("https://") and plain:
        text = "Pages of an https:// address may not open media at a plain one."
        findings.append(Finding(Level.FAIL, "parts", text, "Give LiveKit TLS, and write wss:// or https://."))
    if not public and settings.host not in LOOPBACK:
        text = "CALLCLOCK_PUBLIC_URL is not set; browsers elsewhere open camera and microphone on https only."
        remedy = "Set it to the https:// address under which people reach this server."
        findings.append(Finding(Level.WARN, "parts", text, remedy))
    return findings


def check_web_files(settings: Settings) -> Finding:
    """The telemedicine app is built."""
    folder = web_folder(settings)
    if folder is not None and (folder / "index.html").is_file():
        return Finding(Level.OK, "web files", "Built.")
    remedy = "Run `make web`, or set CALLCLOCK_WEB_DIR to a folder that holds them. The API needs none."
    return Finding(Level.WARN, "web files", "Not built.", remedy)

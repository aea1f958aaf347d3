"""The server as others see it: its port, its public address, what lies between."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from callclock import AsyncStreamClient, AuthenticationError, CallclockError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.settings import Settings
from callclock_server.timekeeping import SystemClock

CLOCK_DIFFERENCE_SECONDS = 2.0
ANSWER_WITHIN_SECONDS = 5.0
RENEW_BEFORE = timedelta(days=14)
_REFUSED = 4001


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


async def check_key(settings: Settings) -> Finding | None:
    """The running server knows the key that this environment has; None where there is none to try."""
    for key, secret in settings.keys.items():
        async with AsyncStreamClient(
            key, secret, base_url=settings.loopback_url, timeout=ANSWER_WITHIN_SECONDS
        ) as client:
            try:
                await client.list_roles()
            except AuthenticationError:
                text = f"The running server does not accept the key {key!r} of this environment."
                remedy = "Run doctor with the environment of the server, or restart the server with this one."
                return Finding(Level.FAIL, "key", text, remedy)
            except CallclockError as exc:
                return Finding(
                    Level.FAIL, "key", f"The server does not answer as it should: {exc}", "Read its log."
                )
        return Finding(Level.OK, "key", f"The running server accepts {key!r}.")
    return None


async def check_public_url(settings: Settings) -> list[Finding]:
    """The address that browsers use: TLS, requests and WebSockets lead to a Callclock server."""
    if settings.public_url is None:
        return []
    certificate = await check_certificate("public TLS", settings.public_url)
    if certificate is not None and certificate.level is Level.FAIL:
        return [certificate]
    found = await _answer(settings.public_url)
    remedy = "Start the server, and let the proxy in front of it pass requests and WebSockets on."
    if found is None:
        text = f"{settings.public_url} does not answer."
        return [*([certificate] if certificate else []), Finding(Level.WARN, "public URL", text, remedy)]
    answers = Finding(found.level, "public URL", found.text, found.remedy)
    sockets = await _sockets(settings.public_url) if found.level is not Level.FAIL else None
    return [each for each in (certificate, answers, sockets) if each is not None]


async def check_certificate(subject: str, url: str) -> Finding | None:
    """The certificate behind an https or wss address is trusted and not about to expire; None for others.

    Silence counts as no finding here: who does not answer is told elsewhere.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "wss"):
        return None
    remedy = "Renew it; Caddy does so by itself when ports 80 and 443 of this name lead to it."
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=ssl.create_default_context()
            )
    except ssl.SSLCertVerificationError as exc:
        text = f"The certificate of {parts.hostname} is not accepted: {exc.verify_message}."
        return Finding(Level.FAIL, subject, text, remedy)
    except (OSError, TimeoutError):
        return None
    told = writer.get_extra_info("peercert") or {}
    writer.close()
    expires_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), tz=UTC)
    left = expires_at - SystemClock().now()
    text = f"The certificate of {parts.hostname} is good for {left.days} days."
    if left < RENEW_BEFORE:
        return Finding(Level.WARN, subject, text, remedy)
    return Finding(Level.OK, subject, text)


async def _sockets(url: str) -> Finding:
    """WebSockets get through: a wrong token has to be refused by the server itself."""
    address = f"ws{url.removeprefix('http')}/v1/events"
    try:
        async with connect(
            address, open_timeout=ANSWER_WITHIN_SECONDS, close_timeout=1, proxy=None
        ) as events:
            await events.send(json.dumps({"type": "auth", "api_key": "doctor", "token": "none"}))
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                await events.recv()
    except ConnectionClosed as exc:
        if exc.rcvd is not None and exc.rcvd.code == _REFUSED:
            return Finding(Level.OK, "WebSockets", "They get through at the public URL.")
    except (WebSocketException, OSError, TimeoutError):
        pass
    text = "They do not get through at the public URL: no browser would hear of an event."
    remedy = "Let the proxy pass WebSocket upgrades on (deploy/Caddyfile does)."
    return Finding(Level.FAIL, "WebSockets", text, remedy)


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
    difference = (told - SystemClock().now()).total_seconds() + half_way
    if abs(difference) > CLOCK_DIFFERENCE_SECONDS:
        text = f"It answers at {url}, but its clock differs from this machine's by {difference:+.1f} s."
        return Finding(Level.WARN, "server", text, "Let both machines keep time by NTP.")
    return Finding(
        Level.OK, "server", f"It answers at {url}; its clock differs by {difference * 1000:+.0f} ms."
    )

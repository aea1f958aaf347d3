"""The media engine: a LiveKit, or the one inside the server."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from callclock_server.cli.checks.configuration import LOOPBACK
from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.media import probe
from callclock_server.settings import Settings

Look = Callable[[probe.Engine], Awaitable[probe.Finding]]


async def check_media(settings: Settings, *, server_runs: bool) -> list[Finding]:
    """Every way between browsers, servers and the engine that can be tried from here."""
    if settings.embedded_media:
        if not server_runs:
            return [_own_port(settings)]
        engine = probe.Engine(settings.loopback_url, *settings.embedded_credentials)
        return await _looks(engine, {"webhooks": probe.look_at_webhooks, "media": probe.look_at_media})
    findings: list[Finding] = []
    for cluster in settings.livekit_clusters:
        engine = probe.Engine(cluster.control_url, cluster.api_key, cluster.api_secret)
        findings += await _check_livekit(engine, server_runs=server_runs)
    return findings


async def _check_livekit(engine: probe.Engine, *, server_runs: bool) -> list[Finding]:
    looks: dict[str, Look] = {"auto_create": probe.look_at_auto_create}
    if server_runs:
        looks["webhooks"] = probe.look_at_webhooks
    looks["media"] = probe.look_at_media
    first = _as_finding("LiveKit", await probe.look_at_key(engine))
    if first.level is Level.FAIL:
        return [first]
    without = Finding(
        Level.OK, "webhooks", "Not tried: no Callclock server answers at the configured address."
    )
    return [first, *await _looks(engine, looks), *([] if server_runs else [without])]


async def _looks(engine: probe.Engine, looks: dict[str, Look]) -> list[Finding]:
    # One after the other: they make rooms, and a report has an order.
    return [_as_finding(subject, await look(engine)) for subject, look in looks.items()]


def _as_finding(subject: str, found: probe.Finding) -> Finding:
    return Finding(Level(found.level), subject, found.text, found.remedy)


def _own_port(settings: Settings) -> Finding:
    """The embedded media's UDP port can be had, and can be named in a firewall."""
    if settings.media_port == 0:
        if settings.host in LOOPBACK:
            return Finding(Level.OK, "media", "A free UDP port at each start.")
        remedy = "Set CALLCLOCK_MEDIA_PORT and open that UDP port in the firewall."
        return Finding(Level.WARN, "media", "The UDP port is another one at each start.", remedy)
    family = socket.AF_INET6 if ":" in settings.media_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as attempt:
        try:
            attempt.bind((settings.media_host, settings.media_port))
        except OSError as exc:
            text = f"UDP port {settings.media_port} cannot be used: {exc.strerror}."
            return Finding(Level.FAIL, "media", text, "Choose another with CALLCLOCK_MEDIA_PORT.")
    return Finding(Level.OK, "media", f"UDP port {settings.media_port} is free.")

"""What surrounds every HTTP request: its id, its log line, its headers, and an answer when all else fails."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callclock_server.api.metrics import Metrics
from callclock_server.api.problems import problem_response
from callclock_server.domain.errors import InternalError
from callclock_server.timekeeping import Clock

log = structlog.get_logger("callclock.http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# Machines that ask all the time, and the server talking to itself.
_QUIET = ("/healthz", "/readyz", "/metrics", "/twirp/", "/v1/media/webhook")


class RequestFrame:
    """Outermost ASGI layer. A fault below it becomes a problem with code `internal` and a log entry."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Clock,
        metrics: Metrics,
        https: bool,
        stopping: Callable[[], bool],
    ) -> None:
        self._app = app
        self._stopping = stopping
        self._clock = clock
        self._metrics = metrics
        self._headers = dict(_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        sent: MutableMapping[str, Any] = {"status": 0}

        async def send_framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                self._add_headers(MutableHeaders(scope=message), request_id, scope["path"])
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_framed)
        except Exception:
            log.exception("request_failed", request_id=request_id, method=scope["method"])
            if sent["status"]:
                raise
            failure = problem_response(InternalError(), now=self._clock.now(), request_id=request_id)
            await failure(scope, receive, send_framed)
        finally:
            self._note(scope, sent["status"], time.perf_counter() - started, request_id)

    def _add_headers(self, headers: MutableHeaders, request_id: str, path: str) -> None:
        headers["X-Request-Id"] = request_id
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if self._stopping():
            # A proxy that keeps the connection would send its next request to a port that has closed.
            headers["Connection"] = "close"
        if path.startswith("/v1/"):
            headers.setdefault("Cache-Control", "no-store")

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        # The route's template, not the path: ids are personal data in a log and endless labels in a metric.
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.request_seconds.labels(scope["method"], route).observe(seconds)
        if not scope["path"].startswith(_QUIET):
            log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 2),
                request_id=request_id,
            )


def _request_id(sent: str | None) -> str:
    if sent and _REQUEST_ID.fullmatch(sent):
        return sent
    return secrets.token_hex(12)

"""The demonstration's routes; they hand out tokens, so they answer only to names that are surely ours."""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from callclock import CallclockError, CallState
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from callclock_server.demo.appointment import PEOPLE, Appointments
from callclock_server.demo.page import home_page, not_built_page

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_BODY_BYTES = 1024


def demo_routes(appointments: Appointments, *, public_url: str, web_is_built: bool) -> list[Route]:
    """`/`, `/demo/session`, `/demo/state`, `/demo/start-over`; and a hint where web files are missing."""
    public_name = urlsplit(public_url).hostname or ""

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            if not is_ours(request.url.hostname or "", public_name=public_name) or not same_origin(request):
                return _refusal(403, "forbidden", "Open the demo under the address that it printed.")
            try:
                return await endpoint(request)
            except CallclockError as exc:
                return _refusal(503, "not-ready", f"The demo's own server does not answer: {exc}")

        return answer

    async def home(request: Request) -> Response:
        return _page(lambda nonce: home_page(nonce=nonce, web_is_built=web_is_built, fair=appointments.fair))

    async def session(request: Request) -> Response:
        body = await _read(request)
        admission = await appointments.admission(str(body.get("user"))) if body is not None else None
        if admission is None:
            names = ", ".join(person.id for person in PEOPLE)
            return _refusal(404, "user-not-found", f"The demo has these users: {names}.")
        return JSONResponse(admission, headers={"Cache-Control": "no-store"})

    async def state(request: Request) -> Response:
        return _told(await appointments.current())

    async def start_over(request: Request) -> Response:
        if await _read(request) is None:
            return _refusal(415, "unsupported-media-type", "Send JSON.")
        return _told(await appointments.start_over())

    async def not_built(request: Request) -> Response:
        return _page(lambda nonce: not_built_page(nonce=nonce), status=503)

    routes = [
        Route("/", guarded(home)),
        Route("/demo/session", guarded(session), methods=["POST"]),
        Route("/demo/state", guarded(state)),
        Route("/demo/start-over", guarded(start_over), methods=["POST"]),
    ]
    return routes if web_is_built else [*routes, Route("/demo/{user}", guarded(not_built))]


def is_ours(name: str, *, public_name: str) -> bool:
    """Whether a Host header names us: an address, localhost, or the configured name.

    Any other name may be a stranger's that was made to point here (DNS rebinding).
    """
    if name in ("localhost", public_name):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def same_origin(request: Request) -> bool:
    """Whether the page that asks, if a page asks, is one of ours."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.url.netloc


def _told(call: CallState) -> Response:
    session = call.session
    clock = session.clock if session is not None else None
    return JSONResponse(
        {
            "call_id": call.id,
            "ended_reason": call.ended_reason,
            "ended": call.ended_at is not None,
            "running": session is not None,
            "state": clock.state if clock else None,
            "overtime_seconds": clock.overtime_seconds if clock else 0,
            "remaining_seconds": clock.remaining_seconds if clock else None,
            "total_seconds": call.settings.limits.max_duration_seconds,
            "present": sorted({each.user_id for each in session.participants}) if session else [],
        },
        headers={"Cache-Control": "no-store"},
    )


async def _read(request: Request) -> dict[str, Any] | None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _page(render: Callable[[str], str], *, status: int = 200) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(render(nonce), status_code=status, headers=headers)


def _refusal(status: int, code: str, detail: str) -> Response:
    problem = {
        "type": f"/docs/errors#{code}",
        "title": detail,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return JSONResponse(problem, status_code=status, media_type="application/problem+json")

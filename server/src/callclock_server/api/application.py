"""The API as one FastAPI application: routes in, error handlers on. It is wired by `app.py`."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Lifespan

from callclock_server.api import (
    backstage,
    call_types,
    calls,
    clock,
    extensions,
    joining,
    query,
    roles,
    sessions,
    travel,
    users,
)
from callclock_server.api.problems import from_status, from_validation, problem_response
from callclock_server.domain.errors import CallclockError
from callclock_server.timekeeping import Clock, SystemClock

_RESOURCES = (roles, call_types, users, query, calls, joining, clock, backstage, extensions, sessions, travel)


def build_api(*, clock: Clock | None = None, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """All public routes, with every error turned into a problem."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    for resource in _RESOURCES:
        app.include_router(resource.routes)
    _handle_errors(app, clock or SystemClock())
    return app


def _handle_errors(app: FastAPI, clock: Clock) -> None:
    def answer(request: Request, error: CallclockError) -> Response:
        request_id = getattr(request.state, "request_id", "")
        return problem_response(error, now=clock.now(), request_id=request_id)

    async def refused(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, CallclockError)
        return answer(request, exc)

    async def malformed(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError)
        return answer(request, from_validation(exc))

    async def unrouted(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        response = answer(request, from_status(exc.status_code, exc.detail))
        for name, value in (exc.headers or {}).items():
            response.headers[name] = value
        return response

    app.add_exception_handler(CallclockError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, unrouted)

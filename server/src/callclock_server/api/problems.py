"""Problems as RFC 9457 describes them, and the one table from error code to HTTP status."""

from __future__ import annotations

import http
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from callclock_server.api.wire import dump, wire_time
from callclock_server.domain import errors
from callclock_server.domain.errors import CallclockError, FieldError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/docs/errors#"
RETRY_AFTER_SECONDS = "1"
# What was sent may be named in an answer, not sent back: a body of 256 KiB has thousands of wrong keys.
MOST_FAULTS = 50
MOST_CHARACTERS = 300

STATUS: Mapping[str, int] = {
    "invalid-json": 400,
    "authentication-required": 401,
    "invalid-token": 401,
    "token-expired": 401,
    "unknown-api-key": 401,
    "unknown-user": 401,
    "token-not-for-call": 403,
    "server-token-required": 403,
    "missing-capability": 403,
    "call-ended": 403,
    "consent-not-yours": 403,
    "call-not-found": 404,
    "call-type-not-found": 404,
    "user-not-found": 404,
    "role-not-found": 404,
    "session-not-found": 404,
    "offer-not-found": 404,
    "request-not-found": 404,
    "no-test-clock": 404,
    "not-found": 404,
    "method-not-allowed": 405,
    "already-exists": 409,
    "call-type-in-use": 409,
    "role-in-use": 409,
    "built-in": 409,
    "no-running-session": 409,
    "no-time-limit": 409,
    "call-not-ended": 409,
    "call-full": 409,
    "clock-not-running": 409,
    "clock-not-paused": 409,
    "clock-already-started": 409,
    "call-not-live": 409,
    "paused-for-absence": 409,
    "pause-limit-reached": 409,
    "extension-count-reached": 409,
    "extension-total-reached": 409,
    "extension-cooling-down": 409,
    "consent-required": 409,
    "offer-pending": 409,
    "request-pending": 409,
    "not-present": 409,
    "not-waiting": 409,
    "runs-into-next-call": 409,
    "wall-limit-reached": 409,
    "body-too-large": 413,
    "unsupported-media-type": 415,
    "invalid-value": 422,
    "unknown-field": 422,
    "missing-field": 422,
    "invalid-id": 422,
    "naive-time": 422,
    "time-in-past": 422,
    "unknown-setting": 422,
    "unknown-capability": 422,
    "unknown-role": 422,
    "unknown-call-type": 422,
    "unknown-user-reference": 422,
    "limit-out-of-range": 422,
    "contradictory-setting": 422,
    "limit-already-used": 422,
    "extension-step-not-allowed": 422,
    "invalid-cursor": 422,
    "invalid-filter": 422,
    "idempotency-key-reused": 422,
    "internal": 500,
    "database-unavailable": 503,
    "outcome-unknown": 503,
    "media-unavailable": 503,
    "not-ready": 503,
}

# Pydantic's error types that have a code of their own; every other one is `invalid-value`.
_CODES_OF_TYPES = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "json_invalid": "invalid-json",
    "json_type": "invalid-json",
}


def leaves(of: type[CallclockError] = CallclockError) -> Iterator[type[CallclockError]]:
    """Every class of the error tree that has a code of its own."""
    if "code" in vars(of):
        yield of
    for branch in of.__subclasses__():
        yield from leaves(branch)


TITLES: Mapping[str, str] = {leaf.code: leaf.title for leaf in leaves()}


def problem_body(error: CallclockError, *, now: datetime, request_id: str) -> dict[str, Any]:
    """The JSON object of a problem."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": TITLES[error.code],
        "status": STATUS[error.code],
        "detail": _short(error.detail),
        "code": error.code,
        "server_time": wire_time(now),
        "request_id": request_id,
    }
    if isinstance(error, errors.MissingCapability):
        body["capability"] = error.capability
    for name, value in error.facts.items():
        body[name] = wire_time(value) if isinstance(value, datetime) else value
    if isinstance(error, errors.InvalidInput) and error.errors:
        body["errors"] = [
            {"field": _short(one.field), "detail": _short(one.detail), "code": one.code}
            for one in error.errors[:MOST_FAULTS]
        ]
    return body


def problem_response(error: CallclockError, *, now: datetime, request_id: str) -> Response:
    """Answer with a problem.

    A 401 names the scheme that would help, a 503 when to try again (RFC 9110, sections 11.6.1 and 10.2.3).
    """
    body = problem_body(error, now=now, request_id=request_id)
    headers: dict[str, str] = {}
    if body["status"] == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if body["status"] == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return Response(dump(body), status_code=body["status"], media_type=MEDIA_TYPE, headers=headers)


def from_validation(exc: RequestValidationError) -> CallclockError:
    """The error for what Pydantic found: one entry for each fault, the code that of the first."""
    faults = [_fault(error) for error in exc.errors()[:MOST_FAULTS]]
    if faults[0].code == errors.InvalidJson.code:
        return errors.InvalidJson()
    return errors.invalid(faults)


def from_status(status: int, detail: str | None = None) -> CallclockError:
    """The error for a refusal of the router itself, which knows only statuses."""
    if status == http.HTTPStatus.METHOD_NOT_ALLOWED:
        return errors.MethodNotAllowed()
    if status == http.HTTPStatus.NOT_FOUND:
        return errors.NotFound("There is nothing at this address.")
    if status == http.HTTPStatus.BAD_REQUEST:
        return errors.InvalidJson(detail)
    return errors.InternalError()


def _fault(error: Mapping[str, Any]) -> FieldError:
    kind = str(error["type"])
    code = _CODES_OF_TYPES.get(kind, kind if kind in STATUS else "invalid-value")
    path = _path(error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return FieldError(path, f"{path or 'The body'}: {text[:1].lower()}{text[1:]}.", code)


def _path(location: Sequence[Any]) -> str:
    """Drop where the value came from (`body`, `path`, `query`): the rest is the field's dotted path."""
    pieces = [str(piece) for piece in location]
    if pieces and pieces[0] in {"body", "path", "query", "header"}:
        pieces = pieces[1:]
    return ".".join(pieces)


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"

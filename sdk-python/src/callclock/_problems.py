"""The one place where a server's refusal becomes an error of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from callclock.errors import ApiError, FieldError, RateLimited, UnexpectedAnswer, error_class

# Codes that reach a client over the event stream, where no HTTP status travels beside them.
_STATUS_OF_CODE = {
    "authentication-required": 401,
    "invalid-token": 401,
    "token-expired": 401,
    "unknown-api-key": 401,
    "unknown-user": 401,
    "token-not-for-call": 403,
    "missing-capability": 403,
    "call-not-found": 404,
    "not-found": 404,
}


def read_answer(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises the `ApiError` that stands for a refusal, and `UnexpectedAnswer` for what is no Callclock server.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success:
        if isinstance(body, dict):
            return body
        raise UnexpectedAnswer(
            f"{response.url} answered, but not as a Callclock server does. Is the URL right?"
        )
    if not isinstance(body, dict) or "code" not in body:
        if response.status_code < 500 and response.status_code != 429:
            raise UnexpectedAnswer(
                f"{response.url} answered {response.status_code}, but not as a Callclock server does."
                " Is the URL right?"
            )
        body = {"code": "unavailable", "detail": f"The server answered {response.status_code}."}
    raise _from_problem(response, body)


def error_for_code(code: str, detail: str = "") -> ApiError:
    """The error for a code that came over the event stream."""
    status = _STATUS_OF_CODE.get(code, 422)
    sentence = detail or f"The event stream refused: {code.replace('-', ' ')}."
    return error_class(status)(sentence, code=code, status=status)


def retry_after_seconds(response: httpx.Response) -> float | None:
    """How long the server asks to wait, if it asks in seconds."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _from_problem(response: httpx.Response, problem: Mapping[str, Any]) -> ApiError:
    title = str(problem.get("title") or "")
    error = error_class(response.status_code)(
        str(problem.get("detail") or title or "The server refused."),
        code=str(problem["code"]),
        status=response.status_code,
        title=title,
        errors=[_field_error(each) for each in problem.get("errors") or () if isinstance(each, Mapping)],
        request_id=problem.get("request_id") or response.headers.get("X-Request-Id"),
        problem=problem,
    )
    if isinstance(error, RateLimited):
        error.retry_after_seconds = retry_after_seconds(response)
    return error


def _field_error(entry: Mapping[str, Any]) -> FieldError:
    return FieldError(
        field=str(entry.get("field", "")),
        detail=str(entry.get("detail", "")),
        code=str(entry.get("code", "")),
    )

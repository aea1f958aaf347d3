"""Every error that the SDK raises on purpose.

    CallclockError
    ├── ConnectionFailed         the server could not be reached, or the connection broke
    ├── TimedOut                 the server did not answer in time
    ├── UnexpectedAnswer         something answered, but not a Callclock server of a kind we know
    ├── SignatureError           a record is not, or not any more, what the server signed
    └── ApiError                 the server refused: code, status, title, detail, errors, request_id
        ├── AuthenticationError  401  key, secret or token
        ├── PermissionDenied     403  missing_capability tells which, where the server says so
        ├── NotFound             404
        ├── Conflict             409  it exists already, or is in the wrong state
        ├── InvalidInput         400, 413, 415, 422; `errors` names the fields
        ├── RateLimited          429  retry_after_seconds
        └── ServerError          5xx

`ApiError.code` is stable and made for programs; `detail` is a sentence made for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class CallclockError(Exception):
    """Base of every error that the SDK raises on purpose."""


class ConnectionFailed(CallclockError):
    """The server could not be reached, or the connection broke before the answer was whole."""


class TimedOut(CallclockError):
    """The server did not answer within the client's `timeout`."""


class UnexpectedAnswer(CallclockError):
    """Something answered that is not a Callclock server, or one whose answer cannot be read."""


class SignatureError(CallclockError):
    """A record is not what the server signed: altered, unsigned, or signed with a key that is not known."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of the input; `field` is a dotted path such as `data.starts_at`."""

    field: str
    detail: str
    code: str


class ApiError(CallclockError):
    """The server understood the request and refused it."""

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        status: int,
        title: str = "",
        errors: Sequence[FieldError] = (),
        request_id: str | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.title = title
        self.errors = tuple(errors)
        self.request_id = request_id
        self.problem: Mapping[str, Any] = problem or {}

    def __str__(self) -> str:
        fields = "".join(f"; {error.field}: {error.detail}" for error in self.errors)
        return f"{self.detail}{fields} [{self.code}]"


class AuthenticationError(ApiError):
    """The API key, the secret or the token is not accepted."""


class PermissionDenied(ApiError):
    """The caller is known, but may not do this (or not any more: `code` may be `call-ended`)."""

    @property
    def missing_capability(self) -> str | None:
        """The capability that would have been needed, where that is the reason."""
        capability = self.problem.get("capability")
        return capability if isinstance(capability, str) else None


class NotFound(ApiError):
    """No such thing, or none that the caller may know of."""


class Conflict(ApiError):
    """It exists already, is in use, or is in a state that does not allow this."""


class InvalidInput(ApiError):
    """The input is not valid; `errors` says which fields, and nothing was changed."""


class RateLimited(ApiError):
    """Too many requests; try again after `retry_after_seconds`."""

    retry_after_seconds: float | None = None


class ServerError(ApiError):
    """The server failed, or is not ready; what it was asked may be tried again."""


_CLASS_OF_STATUS: dict[int, type[ApiError]] = {
    400: InvalidInput,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: RateLimited,
}


def error_class(status: int) -> type[ApiError]:
    """The class of error that stands for an HTTP status."""
    return _CLASS_OF_STATUS.get(status, ServerError if status >= 500 else ApiError)

"""The one error tree. Each leaf has a stable `code`; the API maps codes to statuses in one table.

CallclockError
├── AuthenticationError   who are you?
├── PermissionDenied      you may not
├── NotFound              there is none, or none that you may see
├── Conflict              not in this state
├── InvalidInput          the words are wrong; carries one FieldError for each fault
├── RequestRefused        the request never reached a rule (size, type, method, syntax)
└── Unavailable           not now
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: dotted path, sentence for a person, stable code."""

    field: str
    detail: str
    code: str = "invalid-value"


class CallclockError(Exception):
    """Base of every error that a caller is told about."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on the server"

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        """`facts` is what a program may want to know beside the code: numbers, moments, names."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class InternalError(CallclockError):
    """A fault of the server itself; its cause is in the log, never in the answer."""


# -- who are you? ------------------------------------------------------------------------------------------


class AuthenticationError(CallclockError):
    """The caller is not known."""


class AuthenticationRequired(AuthenticationError):
    code = "authentication-required"
    title = "A token is required"


class InvalidToken(AuthenticationError):
    code = "invalid-token"
    title = "The token is not valid"


class TokenExpired(AuthenticationError):
    code = "token-expired"
    title = "The token has expired"


class UnknownApiKey(AuthenticationError):
    code = "unknown-api-key"
    title = "The API key is not known"


class UnknownUser(AuthenticationError):
    code = "unknown-user"
    title = "The token's user does not exist"


# -- you may not -------------------------------------------------------------------------------------------


class PermissionDenied(CallclockError):
    """The caller is known and may not do this."""


class TokenNotForCall(PermissionDenied):
    code = "token-not-for-call"
    title = "The token is for other calls"


class ServerTokenRequired(PermissionDenied):
    code = "server-token-required"
    title = "Only a server token may do this"


class MissingCapability(PermissionDenied):
    """Names the `capability` that the caller lacks."""

    code = "missing-capability"
    title = "A capability is missing"

    def __init__(self, capability: str, detail: str | None = None) -> None:
        super().__init__(detail or f"This needs the capability {capability}.")
        self.capability = capability


class CallEnded(PermissionDenied):
    code = "call-ended"
    title = "The call has ended"


class ConsentNotYours(PermissionDenied):
    code = "consent-not-yours"
    title = "Somebody else has to agree to this offer"


# -- there is none -----------------------------------------------------------------------------------------


class NotFound(CallclockError):
    """There is no such thing, or none that the caller may see."""

    code = "not-found"
    title = "Not found"


class CallNotFound(NotFound):
    code = "call-not-found"
    title = "There is no such call"


class CallTypeNotFound(NotFound):
    code = "call-type-not-found"
    title = "There is no such call type"


class UserNotFound(NotFound):
    code = "user-not-found"
    title = "There is no such user"


class RoleNotFound(NotFound):
    code = "role-not-found"
    title = "There is no such role"


class SessionNotFound(NotFound):
    code = "session-not-found"
    title = "There is no such session"


class NoTestClock(NotFound):
    code = "no-test-clock"
    title = "The server has no test clock"


class OfferNotFound(NotFound):
    code = "offer-not-found"
    title = "There is no such offer"


class RequestNotFound(NotFound):
    code = "request-not-found"
    title = "There is no such request"


# -- not in this state -------------------------------------------------------------------------------------


class Conflict(CallclockError):
    """The request does not fit the present state."""


class AlreadyExists(Conflict):
    code = "already-exists"
    title = "It exists already"


class CallTypeInUse(Conflict):
    code = "call-type-in-use"
    title = "There are calls of this type"


class RoleInUse(Conflict):
    code = "role-in-use"
    title = "The role is in use"


class BuiltIn(Conflict):
    code = "built-in"
    title = "What is built in cannot be deleted"


class NoRunningSession(Conflict):
    code = "no-running-session"
    title = "The call has no running session"


class NoTimeLimit(Conflict):
    code = "no-time-limit"
    title = "The session has no time limit"


class CallNotEnded(Conflict):
    code = "call-not-ended"
    title = "The call has not ended"


class CallFull(Conflict):
    code = "call-full"
    title = "The call is full"


class ClockNotRunning(Conflict):
    code = "clock-not-running"
    title = "The clock does not run"


class ClockNotPaused(Conflict):
    code = "clock-not-paused"
    title = "The clock is not paused"


class ClockAlreadyStarted(Conflict):
    code = "clock-already-started"
    title = "The clock has started already"


class CallNotLive(Conflict):
    code = "call-not-live"
    title = "The call is still backstage"


class PausedForAbsence(Conflict):
    """Names the `roles` that the clock waits for."""

    code = "paused-for-absence"
    title = "The clock waits for somebody to come back"

    def __init__(self, roles: tuple[str, ...]) -> None:
        super().__init__(f"The clock goes on when {' and '.join(roles)} come back.", roles=list(roles))


class PauseLimitReached(Conflict):
    code = "pause-limit-reached"
    title = "All pauses together have lasted as long as they may"


class ExtensionCountReached(Conflict):
    code = "extension-count-reached"
    title = "The session has been extended as often as it may be"

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {most} extensions are allowed.")


class ExtensionTotalReached(Conflict):
    """Names the `allowed_seconds` that are left."""

    code = "extension-total-reached"
    title = "The extensions would be too long together"

    def __init__(self, allowed_seconds: int) -> None:
        super().__init__(f"{allowed_seconds} more seconds are allowed.", allowed_seconds=allowed_seconds)


class ExtensionCoolingDown(Conflict):
    """Says from when on another extension is accepted: `retry_at`."""

    code = "extension-cooling-down"
    title = "The last extension is too recent"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__("Another extension is accepted later; retry_at says when.", retry_at=retry_at)


class ConsentRequired(Conflict):
    code = "consent-required"
    title = "The other side has to agree"


class OfferPending(Conflict):
    code = "offer-pending"
    title = "An offer waits for its answer"


class RequestPending(Conflict):
    code = "request-pending"
    title = "A request waits for its answer"


class NotPresent(Conflict):
    code = "not-present"
    title = "Only somebody who is in the session can do this"


class NotWaiting(Conflict):
    code = "not-waiting"
    title = "The user is not in the waiting room"


class RunsIntoNextCall(Conflict):
    """Says what is free before a member's next call: `free_seconds`, `free_until`."""

    code = "runs-into-next-call"
    title = "A member's next call would begin before the end"

    def __init__(self, free_until: datetime, free_seconds: int) -> None:
        detail = f"{free_seconds // 60} minutes are free before a member's next call."
        super().__init__(detail, free_seconds=free_seconds, free_until=free_until)


class WallLimitReached(Conflict):
    """Names the `allowed_seconds` before the end of the wall time."""

    code = "wall-limit-reached"
    title = "The end would lie beyond the longest time that the session may take"

    def __init__(self, allowed_seconds: int) -> None:
        detail = f"{allowed_seconds} more seconds fit before max_wall_seconds is over."
        super().__init__(detail, allowed_seconds=allowed_seconds)


# -- the words are wrong -----------------------------------------------------------------------------------


class InvalidInput(CallclockError):
    """Input that breaks a rule; `errors` has one entry for each fault."""

    code = "invalid-value"
    title = "A value is not valid"

    def __init__(
        self, detail: str | None = None, *, field: str = "", errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(detail or (errors[0].detail if errors else None))
        self.errors: tuple[FieldError, ...] = tuple(errors)
        if not self.errors and field:
            self.errors = (FieldError(field, self.detail, self.code),)


class UnknownField(InvalidInput):
    code = "unknown-field"
    title = "The field is not known"


class MissingField(InvalidInput):
    code = "missing-field"
    title = "A field is missing"


class InvalidId(InvalidInput):
    code = "invalid-id"
    title = "The id is not valid"


class NaiveTime(InvalidInput):
    code = "naive-time"
    title = "A time needs its offset from UTC"


class TimeInPast(InvalidInput):
    code = "time-in-past"
    title = "The time has passed already"


class UnknownSetting(InvalidInput):
    code = "unknown-setting"
    title = "The setting is not known"


class UnknownCapability(InvalidInput):
    code = "unknown-capability"
    title = "The capability is not known"


class UnknownRole(InvalidInput):
    code = "unknown-role"
    title = "The role is not known"


class UnknownCallType(InvalidInput):
    code = "unknown-call-type"
    title = "The call type is not known"


class UnknownUserReference(InvalidInput):
    code = "unknown-user-reference"
    title = "A user who is referred to does not exist"


class LimitOutOfRange(InvalidInput):
    code = "limit-out-of-range"
    title = "The limit is out of range"


class ContradictorySetting(InvalidInput):
    code = "contradictory-setting"
    title = "Two settings contradict each other"


class LimitAlreadyUsed(InvalidInput):
    code = "limit-already-used"
    title = "More than this limit has been used already"


class ExtensionStepNotAllowed(InvalidInput):
    """Names the `allowed_steps`."""

    code = "extension-step-not-allowed"
    title = "Only certain steps are allowed"

    def __init__(self, steps: Sequence[int] = (), *, errors: Sequence[FieldError] = ()) -> None:
        words = ", ".join(str(step) for step in steps)
        super().__init__(f"The time can be extended by {words} seconds.", field="seconds", errors=errors)
        self.facts = {"allowed_steps": list(steps)}


class InvalidCursor(InvalidInput):
    code = "invalid-cursor"
    title = "The cursor is not valid"


class InvalidFilter(InvalidInput):
    code = "invalid-filter"
    title = "The filter is not valid"


class IdempotencyKeyReused(InvalidInput):
    code = "idempotency-key-reused"
    title = "The idempotency key was used with another request"


# -- the request never reached a rule ----------------------------------------------------------------------


class RequestRefused(CallclockError):
    """The request could not be read."""


class BodyTooLarge(RequestRefused):
    code = "body-too-large"
    title = "The body is too large"


class UnsupportedMediaType(RequestRefused):
    code = "unsupported-media-type"
    title = "Only JSON is accepted"


class MethodNotAllowed(RequestRefused):
    code = "method-not-allowed"
    title = "The method is not allowed here"


class InvalidJson(RequestRefused):
    code = "invalid-json"
    title = "The body is not JSON"


# -- not now -----------------------------------------------------------------------------------------------


class Unavailable(CallclockError):
    """A part that is needed does not answer."""


class MediaUnavailable(Unavailable):
    code = "media-unavailable"
    title = "The media server does not answer"


class DatabaseUnavailable(Unavailable):
    code = "database-unavailable"
    title = "The database does not answer"


class OutcomeUnknown(Unavailable):
    code = "outcome-unknown"
    title = "Whether the change was made is not known"


class NotReady(Unavailable):
    code = "not-ready"
    title = "The server is not ready"


_KINDS: list[type[InvalidInput]] = [InvalidInput, *InvalidInput.__subclasses__()]
_INVALID = {kind.code: kind for kind in _KINDS}


def invalid(errors: Sequence[FieldError]) -> InvalidInput:
    """Return the error for these faults: its class (and code) is that of the first of them."""
    return _INVALID[errors[0].code](errors=errors)

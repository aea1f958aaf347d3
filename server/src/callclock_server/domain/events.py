"""What can happen to a call: the kinds that callers see, and what the session's rules report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .fair import Answer, Offer, Request
from .session import Change, Participant

CALL_CREATED = "call.created"
CALL_UPDATED = "call.updated"
CALL_DELETED = "call.deleted"
CALL_ENDED = "call.ended"
MEMBER_ADDED = "call.member_added"
MEMBER_REMOVED = "call.member_removed"
MEMBER_UPDATED = "call.member_updated"
SESSION_STARTED = "call.session_started"
PARTICIPANT_JOINED = "call.session_participant_joined"
PARTICIPANT_LEFT = "call.session_participant_left"
TIMER_WARNING = "call.session_timer_warning"
CLOCK_CHANGED = "call.session_clock_changed"
SESSION_ENDED = "call.session_ended"
PERMISSIONS_UPDATED = "call.permissions_updated"
EXTENSION_OFFERED = "call.extension_offered"
EXTENSION_REQUESTED = "call.extension_requested"
EXTENSION_ANSWERED = "call.extension_answered"
NO_SHOW = "call.session_no_show"
WAITING_CHANGED = "call.session_waiting_changed"
ADMITTED = "call.participant_admitted"
BACKSTAGE_CHANGED = "call.backstage_changed"

KINDS = (
    CALL_CREATED,
    CALL_UPDATED,
    CALL_DELETED,
    CALL_ENDED,
    MEMBER_ADDED,
    MEMBER_REMOVED,
    MEMBER_UPDATED,
    SESSION_STARTED,
    PARTICIPANT_JOINED,
    PARTICIPANT_LEFT,
    TIMER_WARNING,
    CLOCK_CHANGED,
    SESSION_ENDED,
    PERMISSIONS_UPDATED,
    EXTENSION_OFFERED,
    EXTENSION_REQUESTED,
    EXTENSION_ANSWERED,
    NO_SHOW,
    WAITING_CHANGED,
    ADMITTED,
    BACKSTAGE_CHANGED,
)


@dataclass(frozen=True, slots=True)
class Joined:
    """A participant has arrived."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Left:
    """A participant who had arrived is gone."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Warned:
    """The time left has passed a warning threshold (design rule 8)."""

    threshold_seconds: int
    seconds_left: int
    timer_ends_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; `ends_call` when the call is over with it."""

    at: datetime
    reason: str
    ends_call: bool


@dataclass(frozen=True, slots=True)
class ClockChanged:
    """A policy has changed the clock: a row for the ledger."""

    change: Change


@dataclass(frozen=True, slots=True)
class NoShow:
    """Required roles have not come in time (`no_show_seconds`)."""

    at: datetime
    roles: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An offer or a request is settled; `by` is None when its time ran out."""

    at: datetime
    answer: Answer
    offer: Offer | None = None
    request: Request | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingChanged:
    """Somebody has come to the waiting room, or left it."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody was let in from the waiting room."""

    participant: Participant
    by: str | None = None


@dataclass(frozen=True, slots=True)
class BackstageChanged:
    """The call went live, or back behind the stage."""

    live: bool
    by: str | None = None


SessionEvent = (
    Joined
    | Left
    | Warned
    | Ended
    | ClockChanged
    | NoShow
    | Answered
    | WaitingChanged
    | Admitted
    | BackstageChanged
)

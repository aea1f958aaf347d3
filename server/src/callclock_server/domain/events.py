"""What can happen to a call: the kinds that callers see, and what the session's rules report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .session import Participant

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


SessionEvent = Joined | Left | Warned | Ended

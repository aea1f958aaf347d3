"""What happens to calls, as it is told on the event stream (design section 8).

Every kind of event is a class, so that `match` can tell them apart:

    match event:
        case SessionTimerWarning(seconds_left=left):
            ...
        case SessionEnded(reason="max_duration_reached"):
            ...

A kind that this version does not know arrives as a plain `CallEvent` with its `type`. Two kinds are made
here and not by the server: `StateRefreshed` and `CallUnwatched`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callclock._decoding import Model, decode
from callclock.models import (
    CallState,
    Change,
    ExtensionRequest,
    Member,
    Offer,
    Participant,
    SessionRecord,
    User,
)


@dataclass(frozen=True, kw_only=True)
class CallEvent(Model):
    """Something happened to the call `cid`. `id` rises by one with every event of that call.

    `call` is the call's state after it; `user` is who did it, None for the server itself.
    """

    type: str
    cid: str
    id: int = 0
    created_at: datetime | None = None
    server_time: datetime | None = None
    session_id: str | None = None
    call: CallState | None = None
    user: User | None = None
    participant: Participant | None = None
    member: Member | None = None
    members: tuple[Member, ...] = ()


class CallCreated(CallEvent):
    """The call was made."""


@dataclass(frozen=True, kw_only=True)
class CallUpdated(CallEvent):
    """Settings, `starts_at` or `custom` changed; `change` where the limit moved with them."""

    change: Change | None = None


class CallDeleted(CallEvent):
    """The call is gone; a running session was ended before."""


class MemberAdded(CallEvent):
    """Somebody became a member."""


class MemberRemoved(CallEvent):
    """Somebody is no longer a member."""


class MemberUpdated(CallEvent):
    """A member's role or custom data changed."""


class SessionStarted(CallEvent):
    """The first participant joined; the clock runs."""


class ParticipantJoined(CallEvent):
    """A participant joined the session."""


class ParticipantLeft(CallEvent):
    """A participant left the session."""


@dataclass(frozen=True, kw_only=True)
class SessionTimerWarning(CallEvent):
    """The time left passed a threshold: once per threshold and deadline (design rule 8)."""

    seconds_left: float
    timer_ends_at: datetime | None = None
    threshold_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class SessionClockChanged(CallEvent):
    """The end of the session was moved, taken away or set."""

    timer_ends_at: datetime | None = None
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class SessionEnded(CallEvent):
    """The session is over; after `max_duration_reached` and `ended_by_user` so is the call.

    `record` is there when the clock had policies or was touched.
    """

    reason: str | None = None
    ended_at: datetime | None = None
    record: SessionRecord | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionOffered(CallEvent):
    """More time is offered and waits for the consent of the other side."""

    offer: Offer | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionRequested(CallEvent):
    """Somebody without the right asks for more time."""

    request: ExtensionRequest | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionAnswered(CallEvent):
    """An offer or a request is `accepted`, `approved`, `declined`, `withdrawn` or `expired`."""

    answer: str = ""
    offer: Offer | None = None
    request: ExtensionRequest | None = None


@dataclass(frozen=True, kw_only=True)
class SessionNoShow(CallEvent):
    """Required roles have not come in time; `action` is `end` or `tell`."""

    roles: tuple[str, ...] = ()
    action: str = ""


class SessionWaitingChanged(CallEvent):
    """Somebody came to the waiting room, or left it; `call.session.clock.waiting_count` says how many."""


class ParticipantAdmitted(CallEvent):
    """`participant` was let in from the waiting room."""


@dataclass(frozen=True, kw_only=True)
class BackstageChanged(CallEvent):
    """The call went live, or back behind the stage."""

    live: bool = True


@dataclass(frozen=True, kw_only=True)
class CallEnded(CallEvent):
    """The call is over and can be joined no more; `SessionEnded` follows."""

    reason: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PermissionsUpdated(CallEvent):
    """What `user` may do in the call changed."""

    own_capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StateRefreshed(CallEvent):
    """Made by the SDK: the call's state as a whole, read anew.

    Comes first for every call watched (`reason` is `watching`), and whenever events are missed for good: more
    than the server sends again after a lost connection (`reconnected`), a hole in the numbering (`gap`).
    """

    reason: str
    own_capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallUnwatched(CallEvent):
    """Made by the SDK: the call can be watched no longer; `code` says why, such as `call-not-found`."""

    code: str


_CLASS_OF_TYPE: dict[str, type[CallEvent]] = {
    "call.created": CallCreated,
    "call.updated": CallUpdated,
    "call.deleted": CallDeleted,
    "call.member_added": MemberAdded,
    "call.member_removed": MemberRemoved,
    "call.member_updated": MemberUpdated,
    "call.session_started": SessionStarted,
    "call.session_participant_joined": ParticipantJoined,
    "call.session_participant_left": ParticipantLeft,
    "call.session_timer_warning": SessionTimerWarning,
    "call.session_clock_changed": SessionClockChanged,
    "call.session_ended": SessionEnded,
    "call.ended": CallEnded,
    "call.permissions_updated": PermissionsUpdated,
    "call.extension_offered": ExtensionOffered,
    "call.extension_requested": ExtensionRequested,
    "call.extension_answered": ExtensionAnswered,
    "call.session_no_show": SessionNoShow,
    "call.session_waiting_changed": SessionWaitingChanged,
    "call.participant_admitted": ParticipantAdmitted,
    "call.backstage_changed": BackstageChanged,
}


def read_event(message: Mapping[str, Any]) -> CallEvent:
    """Read one event as its class. Raises `UnexpectedAnswer` if it does not fit."""
    return decode(_CLASS_OF_TYPE.get(str(message.get("type")), CallEvent), message)

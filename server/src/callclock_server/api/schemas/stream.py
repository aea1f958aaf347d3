"""Messages of the event stream, both ways."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from callclock_server.api.schemas import objects
from callclock_server.api.schemas.fields import Time

EventKind = Literal[
    "call.created",
    "call.updated",
    "call.deleted",
    "call.ended",
    "call.member_added",
    "call.member_removed",
    "call.member_updated",
    "call.session_started",
    "call.session_participant_joined",
    "call.session_participant_left",
    "call.session_timer_warning",
    "call.session_clock_changed",
    "call.session_ended",
    "call.permissions_updated",
    "call.extension_offered",
    "call.extension_requested",
    "call.extension_answered",
    "call.session_no_show",
    "call.session_waiting_changed",
    "call.participant_admitted",
    "call.backstage_changed",
]


class AuthMessage(BaseModel):
    """The first message, within 10 seconds. `connection_id` of an earlier stream carries its presence on."""

    type: Literal["auth"]
    api_key: str
    token: str
    connection_id: str | None = None


class WatchMessage(BaseModel):
    """Hear the events of these calls. Joining a call watches it too.

    `after` is for calls that an earlier connection watched: the id of the last event heard, by call id. Where
    the server still has all that came later, it names the call in `replayed` of its answer and sends them.
    """

    type: Literal["watch"]
    cids: list[str]
    after: dict[str, int] | None = None


class UnwatchMessage(BaseModel):
    """Stop hearing of these calls."""

    type: Literal["unwatch"]
    cids: list[str]


class PingMessage(BaseModel):
    """Ask for a health.check."""

    type: Literal["ping"]


class ServerMessage(BaseModel):
    server_time: Time = Field(description="When the message was sent.")


class ConnectionOk(ServerMessage):
    """The token is accepted."""

    type: Literal["connection.ok"]
    connection_id: str
    user_id: str | None


class ConnectionReconnect(ServerMessage):
    """This process stops: connect again in `delay_seconds`, with the same `connection_id`.

    Until then events go on, unless the server closes first (1012).
    """

    type: Literal["connection.reconnect"]
    delay_seconds: float
    reason: str


class HealthCheck(ServerMessage):
    """Every 10 seconds, and in answer to ping."""

    type: Literal["health.check"]
    connection_id: str


class WatchRefusal(BaseModel):
    cid: str
    code: str


class WatchOk(ServerMessage):
    """The state of the calls that are watched from here on, and the ones that are refused.

    For calls in `replayed` the events after the one that the client named come next, up to this state.
    """

    type: Literal["watch.ok"]
    calls: list[objects.CallState]
    errors: list[WatchRefusal]
    replayed: list[str] = Field(default_factory=list)


class UnwatchOk(ServerMessage):
    """These calls are not watched any more; `code` says why when the server decided it."""

    type: Literal["unwatch.ok"]
    cids: list[str]
    code: str | None = None


class ErrorMessage(ServerMessage):
    """A message was refused; the stream goes on."""

    type: Literal["error"]
    code: str
    detail: str


class EventMember(BaseModel):
    user_id: str
    user: objects.User | None = None
    role: str | None = None
    custom: dict[str, Any] | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class Event(ServerMessage):
    """Something happened to a call. `id` counts up within the call without a gap."""

    type: EventKind
    id: int
    cid: str
    created_at: Time
    call: objects.Call
    session_id: str | None = None
    user: objects.User | None = Field(default=None, description="Who did it.")
    participant: objects.Participant | None = None
    member: EventMember | None = None
    members: list[EventMember] | None = None
    seconds_left: int | None = None
    timer_ends_at: Time | None = None
    threshold_seconds: int | None = None
    change: objects.Change | None = None
    own_capabilities: list[str] | None = None
    reason: objects.EndedReason | None = None
    ended_at: Time | None = None
    offer: objects.Offer | None = None
    request: objects.ExtensionRequest | None = None
    answer: Literal["accepted", "declined", "expired", "withdrawn", "approved"] | None = None
    roles: list[str] | None = Field(default=None, description="With session_no_show: who never came.")
    action: Literal["end", "tell"] | None = None
    at: Time | None = None
    live: bool | None = None
    record: objects.Record | None = Field(
        default=None, description="With session_ended, when the clock had policies or was touched."
    )
    signature: objects.RecordSignature | None = Field(default=None, description="Of the record.")


FROM_CLIENT: tuple[type[BaseModel], ...] = (AuthMessage, WatchMessage, UnwatchMessage, PingMessage)
FROM_SERVER: tuple[type[BaseModel], ...] = (
    ConnectionOk,
    ConnectionReconnect,
    HealthCheck,
    WatchOk,
    UnwatchOk,
    ErrorMessage,
    Event,
)

"""The objects that answers and events are made of. Times are UTC, RFC 3339 with microseconds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from callclock_server.api.schemas.fields import Time
from callclock_server.api.schemas.settings import CallSettings, SettingsOverride

EndedReason = Literal[
    "max_duration_reached",
    "ended_by_user",
    "empty_timeout",
    "never_connected",
    "call_deleted",
    "overtime_used_up",
    "max_wall_reached",
    "no_show",
    "never_started",
]


class Role(BaseModel):
    name: str
    built_in: bool
    created_at: Time


class Capability(BaseModel):
    name: str
    description: str


class CallType(BaseModel):
    name: str
    grants: dict[str, list[str]]
    settings: CallSettings = Field(description="Effective: the defaults with this type's own merged in.")
    settings_override: SettingsOverride = Field(description="What this type sets itself.")
    members_only: bool
    built_in: bool
    created_at: Time
    updated_at: Time


class User(BaseModel):
    id: str
    name: str | None
    role: str
    image: str | None
    custom: dict[str, Any]
    created_at: Time
    updated_at: Time


class Member(BaseModel):
    user_id: str
    user: User
    role: str | None
    custom: dict[str, Any]
    created_at: Time
    updated_at: Time


class ParticipantUser(BaseModel):
    id: str
    name: str | None
    role: str
    image: str | None


class Participant(BaseModel):
    id: str
    user_id: str
    user: ParticipantUser
    role: str
    joined_at: Time | None = Field(description="Null until the device has reached the media room.")
    left_at: Time | None
    device_id: str
    waiting_since: Time | None = Field(description="Set in the waiting room.")


class Person(BaseModel):
    id: str
    name: str | None
    image: str | None


class WaitingFor(BaseModel):
    """What a clock waits for before it starts."""

    reason: Literal["backstage", "roles", "schedule", "start", "people"]
    roles: list[str] = Field(description="Required roles that are not there.")
    users: list[Person] = Field(description="Members with these roles who are not there.")
    starts_at: Time | None


class PausedReason(BaseModel):
    kind: Literal["absence", "manual"]
    roles: list[str] = Field(description="Who is away.")
    by: str | None
    reason: str | None


class ExtensionOptions(BaseModel):
    """What may be added now. Null: no such cap."""

    allowed: bool
    reason: str | None = Field(description="The error code that every step would get.")
    steps_seconds: list[int] | None = Field(description="The steps that would be accepted; null: any.")
    count_left: int | None
    seconds_left: int | None
    cooldown_until: Time | None
    consent_roles: list[str]
    free_until: Time | None = Field(description="When a member's next call begins.")
    free_seconds: int | None


class Offer(BaseModel):
    """More time that was offered and waits for the consent of the other side."""

    id: str
    seconds: int
    by: str | None
    user: Person | None
    price_text: str | None
    reason: str | None
    offered_at: Time
    expires_at: Time
    request_id: str | None


class ExtensionRequest(BaseModel):
    """More time that somebody without the right has asked for."""

    id: str
    seconds: int
    by: str
    user: Person | None
    reason: str | None
    requested_at: Time
    expires_at: Time


class Overrun(BaseModel):
    """An extension was allowed though it runs into a member's next call."""

    code: Literal["runs-into-next-call"]
    free_until: Time
    free_seconds: int


class SessionClock(BaseModel):
    state: Literal["waiting", "running", "paused", "overtime", "ended"]
    waiting_for: WaitingFor | None
    started_running_at: Time | None
    elapsed_seconds: float = Field(description="Running time: without waiting, pauses and overtime.")
    remaining_seconds: float | None = Field(description="Stands still while waiting and paused.")
    paused_seconds: float
    paused_since: Time | None
    paused_reason: PausedReason | None
    pause_ends_at: Time | None
    overtime_since: Time | None
    overtime_seconds: float
    overtime_ends_at: Time | None
    wall_ends_at: Time | None
    passed_warning_seconds: int | None = Field(description="The smallest warning threshold already passed.")
    live: bool
    waiting_count: int = Field(description="People in the waiting room.")
    extension: ExtensionOptions
    offer: Offer | None
    requests: list[ExtensionRequest]


class Session(BaseModel):
    id: str
    call_cid: str
    started_at: Time
    timer_ends_at: Time | None
    ended_at: Time | None
    ended_reason: EndedReason | None
    max_duration_seconds: int | None
    participants: list[Participant]
    participants_count_by_role: dict[str, int]
    clock: SessionClock


class Call(BaseModel):
    cid: str
    type: str
    id: str
    created_by: User | None
    created_at: Time
    updated_at: Time
    starts_at: Time | None
    ended_at: Time | None
    ended_reason: EndedReason | None
    settings: CallSettings
    settings_override: SettingsOverride
    members_only: bool
    custom: dict[str, Any]
    last_event_id: int
    session: Session | None = Field(description="The running session, or null.")
    last_session_id: str | None


class Change(BaseModel):
    """One row of a session's ledger; the seconds of all rows reproduce the deadline."""

    id: str
    session_id: str
    how: Literal["start", "extend", "set", "remove", "clock_start", "pause", "resume", "overtime", "policy"]
    by: str | None = Field(description="User id; null is the server.")
    at: Time
    old_ends_at: Time | None
    new_ends_at: Time | None
    seconds: int
    reason: str | None
    idempotency_key: str | None
    details: dict[str, Any] | None = Field(description="Consent, request, rule, cause: depends on `how`.")


class ClockInterval(BaseModel):
    state: Literal["waiting", "running", "paused", "overtime"]
    started_at: Time
    ended_at: Time
    seconds: float


class Presence(BaseModel):
    joined_at: Time
    left_at: Time


class Difference(BaseModel):
    """Where a record and its recomputation from ledger and event log differ."""

    field: str
    record: Any
    recomputed: Any


class Interval(BaseModel):
    joined_at: Time
    left_at: Time | None
    device_id: str


class RecordParticipant(BaseModel):
    user_id: str
    role: str
    present_seconds: float
    presence: list[Presence] = Field(description="With all devices merged.")
    intervals: list[Interval] = Field(description="Device by device.")


class Record(BaseModel):
    """What a session was: times in seconds, presence, and every change of its deadline."""

    session_id: str
    call_cid: str
    started_at: Time
    ended_at: Time | None
    ended_reason: EndedReason | None
    started_running_at: Time | None
    void: bool
    wall_seconds: float = Field(description="Waiting, running, pauses and overtime together.")
    waiting_seconds: float
    running_seconds: float
    paused_seconds: float
    overtime_seconds: float
    all_present_seconds: float
    required_present_seconds: float | None = Field(description="All required roles there at once.")
    intervals: list[ClockInterval]
    participants: list[RecordParticipant]
    ledger: list[Change]


class RecordSignature(BaseModel):
    """Over the record's canonical form, as docs/why/what-the-record-proves.md states it."""

    algorithm: Literal["Ed25519"]
    key_id: str = Field(description="JWK thumbprint of the public key.")
    value: str = Field(description="The 64 bytes of the signature in base64url.")


class CallState(BaseModel):
    call: Call
    members: list[Member]
    own_capabilities: list[str]


class TestClock(BaseModel):
    """The clock of a server for tests: it stands still until it is moved on."""

    now: Time


class MediaAccess(BaseModel):
    """Where and with what a browser enters the media room."""

    url: str
    token: str
    room: str
    expires_at: Time

"""The objects that answers and events are made of. Times are UTC, RFC 3339 with microseconds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from callclock_server.api.schemas.fields import Time
from callclock_server.api.schemas.settings import CallSettings, SettingsOverride

EndedReason = Literal[
    "max_duration_reached", "ended_by_user", "empty_timeout", "never_connected", "call_deleted"
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


class SessionClock(BaseModel):
    state: Literal["running", "ended"]
    elapsed_seconds: float
    remaining_seconds: float | None
    paused_seconds: float
    passed_warning_seconds: int | None = Field(description="The smallest warning threshold already passed.")


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
    how: Literal["start", "extend", "set", "remove"]
    by: str | None = Field(description="User id; null is the server.")
    at: Time
    old_ends_at: Time | None
    new_ends_at: Time | None
    seconds: int
    reason: str | None
    idempotency_key: str | None


class Interval(BaseModel):
    joined_at: Time
    left_at: Time | None
    device_id: str


class RecordParticipant(BaseModel):
    user_id: str
    role: str
    present_seconds: float
    intervals: list[Interval]


class Record(BaseModel):
    """What a session was: times in seconds, presence, and every change of its deadline."""

    session_id: str
    call_cid: str
    started_at: Time
    ended_at: Time | None
    ended_reason: EndedReason | None
    void: bool
    wall_seconds: float
    running_seconds: float
    paused_seconds: float
    overtime_seconds: float
    all_present_seconds: float
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

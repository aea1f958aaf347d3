"""What the server tells, as frozen dataclasses. Times are aware datetimes in UTC; durations are seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from callclock._decoding import Model

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Role(Model):
    """A role that users and members may have."""

    name: str
    built_in: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Capability(Model):
    """Something that a role can be granted on a call type."""

    name: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class AudioSettings(Model):
    """Sound at the start of a call."""

    mic_default_on: bool = True
    default_device: str = "speaker"


@dataclass(frozen=True, kw_only=True)
class TargetResolution(Model):
    """What a camera should send; `bitrate` in bits per second."""

    width: int = 1280
    height: int = 720
    bitrate: int = 2_000_000


@dataclass(frozen=True, kw_only=True)
class VideoSettings(Model):
    """Pictures at the start of a call."""

    enabled: bool = True
    camera_default_on: bool = True
    camera_facing: str = "front"
    target_resolution: TargetResolution = field(default_factory=TargetResolution)


@dataclass(frozen=True, kw_only=True)
class ScreensharingSettings(Model):
    """Whether screens may be shared."""

    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class BackstageSettings(Model):
    """Whether hosts may gather before the others."""

    enabled: bool = False
    join_ahead_time_seconds: int = 0
    opens: str = "schedule"


@dataclass(frozen=True, kw_only=True)
class MediaSettings(Model):
    """Who carries pictures and sound: `livekit`, or `none` (only the clock is used)."""

    engine: str = "livekit"


@dataclass(frozen=True, kw_only=True)
class ExtensionSettings(Model):
    """What an extension must keep to. None: no such rule."""

    max_count: int | None = None
    max_total_seconds: int | None = None
    steps_seconds: tuple[int, ...] | None = None
    cooldown_seconds: int = 0
    consent_roles: tuple[str, ...] = ()
    consent_timeout_seconds: int = 60
    request_timeout_seconds: int = 120


@dataclass(frozen=True, kw_only=True)
class LimitSettings(Model):
    """How long and how many, and the policies of the clock. No `max_duration_seconds` means no limit."""

    max_duration_seconds: int | None = None
    max_participants: int | None = None
    warning_seconds: tuple[int, ...] = (300, 60)
    empty_timeout_seconds: int = 30
    join_timeout_seconds: int = 30
    starts: str = "first_join"
    required_roles: tuple[str, ...] = ()
    pause_when_absent: tuple[str, ...] = ()
    absence_grace_seconds: int = 30
    max_pause_seconds: int = 900
    max_wall_seconds: int | None = None
    overtime_seconds: int = 0
    no_show_seconds: int | None = None
    no_show_action: str = "tell"
    back_to_back: str = "off"
    extension: ExtensionSettings = field(default_factory=ExtensionSettings)


@dataclass(frozen=True, kw_only=True)
class CallSettings(Model):
    """The settings in force: defaults, then the call type's, then the call's own."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    video: VideoSettings = field(default_factory=VideoSettings)
    screensharing: ScreensharingSettings = field(default_factory=ScreensharingSettings)
    backstage: BackstageSettings = field(default_factory=BackstageSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)


@dataclass(frozen=True, kw_only=True)
class CallType(Model):
    """A kind of call: who may do what in it, and its settings."""

    name: str
    grants: Mapping[str, list[str]] = field(default_factory=dict)
    settings: CallSettings = field(default_factory=CallSettings)
    settings_override: Mapping[str, Any] = field(default_factory=dict)
    members_only: bool = False
    built_in: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class User(Model):
    """Somebody who may take part in calls."""

    id: str
    name: str | None = None
    role: str = "user"
    image: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Member(Model):
    """A user who belongs to a call, perhaps with a role of their own in it."""

    user_id: str
    user: User | None = None
    role: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Participant(Model):
    """One device of one user in a session; `left_at` is None while it is there."""

    id: str
    user_id: str
    user: User | None = None
    role: str | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    device_id: str | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Person(Model):
    """Whom a clock waits for, or who has asked or offered."""

    id: str
    name: str | None = None
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class WaitingFor(Model):
    """What a clock waits for: `backstage`, `roles`, `schedule`, `start` (by hand) or `people`."""

    reason: str
    roles: tuple[str, ...] = ()
    users: tuple[Person, ...] = ()
    starts_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PausedReason(Model):
    """Why the clock stands still: `absence` of the roles named, or `manual`."""

    kind: str
    roles: tuple[str, ...] = ()
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionOptions(Model):
    """What may be added now. None: no such cap. `reason` is the code that every step would get."""

    allowed: bool = True
    reason: str | None = None
    steps_seconds: tuple[int, ...] | None = None
    count_left: int | None = None
    seconds_left: int | None = None
    cooldown_until: datetime | None = None
    consent_roles: tuple[str, ...] = ()
    free_until: datetime | None = None
    free_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class Offer(Model):
    """More time that was offered and waits for the consent of the other side."""

    id: str
    seconds: int
    by: str | None = None
    user: Person | None = None
    price_text: str | None = None
    reason: str | None = None
    offered_at: datetime | None = None
    expires_at: datetime | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionRequest(Model):
    """More time that somebody without the right has asked for."""

    id: str
    seconds: int
    by: str
    user: Person | None = None
    reason: str | None = None
    requested_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Overrun(Model):
    """An extension was allowed though it runs into a member's next call."""

    code: str
    free_until: datetime
    free_seconds: int


@dataclass(frozen=True, kw_only=True)
class SessionClock(Model):
    """The session's clock at the moment of the answer's `server_time`.

    `state` is `waiting`, `running`, `paused`, `overtime` or `ended`. `remaining_seconds` stands still while
    the clock waits or is paused.
    """

    state: str
    elapsed_seconds: float = 0.0
    remaining_seconds: float | None = None
    paused_seconds: float = 0.0
    passed_warning_seconds: int | None = None
    waiting_for: WaitingFor | None = None
    started_running_at: datetime | None = None
    paused_since: datetime | None = None
    paused_reason: PausedReason | None = None
    pause_ends_at: datetime | None = None
    overtime_since: datetime | None = None
    overtime_seconds: float = 0.0
    overtime_ends_at: datetime | None = None
    wall_ends_at: datetime | None = None
    live: bool = True
    waiting_count: int = 0
    extension: ExtensionOptions = field(default_factory=ExtensionOptions)
    offer: Offer | None = None
    requests: tuple[ExtensionRequest, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Session(Model):
    """One sitting of a call. `timer_ends_at` is when the call ends by itself; None without a limit."""

    id: str
    call_cid: str
    started_at: datetime
    timer_ends_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    max_duration_seconds: int | None = None
    participants: tuple[Participant, ...] = ()
    participants_count_by_role: Mapping[str, int] = field(default_factory=dict)
    clock: SessionClock | None = None


@dataclass(frozen=True, kw_only=True)
class CallState(Model):
    """A call; `session` is the running one, or None."""

    cid: str
    type: str
    id: str
    created_by: User | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    starts_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    settings: CallSettings = field(default_factory=CallSettings)
    settings_override: Mapping[str, Any] = field(default_factory=dict)
    members_only: bool = False
    custom: Mapping[str, Any] = field(default_factory=dict)
    last_event_id: int = 0
    session: Session | None = None
    last_session_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change(Model):
    """One row of a session's ledger: who moved its end, when, from where to where, and why.

    `how` is `start`, `extend`, `set` or `remove`, with `seconds` the difference (negative when shortened); or
    `clock_start`, `pause`, `resume`, `overtime` or `policy`, with 0 seconds and what there is to say in
    `details`. `by` is None for the server itself.
    """

    id: str | int
    session_id: str
    how: str
    at: datetime
    by: str | None = None
    old_ends_at: datetime | None = None
    new_ends_at: datetime | None = None
    seconds: int | float = 0
    reason: str | None = None
    idempotency_key: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ClockInterval(Model):
    """A stretch of a session in which its clock did one thing."""

    state: str
    started_at: datetime
    ended_at: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True)
class PresenceInterval(Model):
    """One uninterrupted presence of one device."""

    joined_at: datetime
    left_at: datetime | None = None
    device_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipantRecord(Model):
    """How long one user was there: `presence` with all devices merged, `intervals` device by device."""

    user_id: str
    role: str | None = None
    present_seconds: float = 0.0
    presence: tuple[PresenceInterval, ...] = ()
    intervals: tuple[PresenceInterval, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordSignature(Model):
    """Over a record; `key_id` is the thumbprint of the public key, `value` the signature in base64url."""

    algorithm: str
    key_id: str
    value: str


@dataclass(frozen=True, kw_only=True)
class SignedCsv:
    """A record as CSV, and the signature over it; see `callclock.records.verify_csv`."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionRecord(Model):
    """What is known of a session for billing: its times, who was there, and its ledger."""

    session_id: str
    call_cid: str
    started_at: datetime
    ended_at: datetime | None = None
    ended_reason: str | None = None
    started_running_at: datetime | None = None
    void: bool = False
    wall_seconds: float = 0.0
    waiting_seconds: float = 0.0
    running_seconds: float = 0.0
    paused_seconds: float = 0.0
    overtime_seconds: float = 0.0
    all_present_seconds: float = 0.0
    required_present_seconds: float | None = None
    intervals: tuple[ClockInterval, ...] = ()
    participants: tuple[ParticipantRecord, ...] = ()
    ledger: tuple[Change, ...] = ()
    signature: RecordSignature | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The record as it came, which is what was signed: keep it with the signature."""


@dataclass(frozen=True, kw_only=True)
class MediaAccess(Model):
    """Where and with what a participant enters the media room, until `expires_at`."""

    url: str
    token: str = field(repr=False)
    room: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CallDetails(Model):
    """A call with its members, and what the caller may do in it. `created` where it was made just now."""

    call: CallState
    members: tuple[Member, ...] = ()
    own_capabilities: tuple[str, ...] = ()
    server_time: datetime | None = None
    created: bool = False


@dataclass(frozen=True, kw_only=True)
class JoinedCall(CallDetails):
    """The answer to a join; `media` is None where the call's media engine is `none`."""

    participant: Participant
    waiting: bool = False
    media: MediaAccess | None = None


@dataclass(frozen=True, kw_only=True)
class Extension(Model):
    """The call after an extension, and the row of the ledger that says so.

    Where the other side has to agree first, `change` is None and `offer` waits for its answer. `warnings`
    says what the extension runs into, `request` which request it grants.
    """

    call: CallState
    change: Change | None = None
    offer: Offer | None = None
    request: ExtensionRequest | None = None
    warnings: tuple[Overrun, ...] = ()
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Difference(Model):
    """Where a record and its recomputation differ."""

    field: str
    record: Any = None
    recomputed: Any = None


@dataclass(frozen=True, kw_only=True)
class Verification(Model):
    """Whether a record is what ledger and event log come to, and where it is not."""

    matches: bool
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a longer list. `next` leads to the following part; None at the end."""

    items: tuple[T, ...]
    next: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

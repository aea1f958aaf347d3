"""A session: one sitting of a call, with those who take part in it. The clock's rules make new ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from .fair import Fair

Engine = Literal["livekit", "none"]
ChangeKind = Literal[
    "start", "extend", "set", "remove", "clock_start", "pause", "resume", "overtime", "policy"
]

MAX_DURATION_REACHED = "max_duration_reached"
ENDED_BY_USER = "ended_by_user"
EMPTY_TIMEOUT = "empty_timeout"
NEVER_CONNECTED = "never_connected"
CALL_DELETED = "call_deleted"
OVERTIME_USED_UP = "overtime_used_up"
MAX_WALL_REACHED = "max_wall_reached"
NO_SHOW = "no_show"
NEVER_STARTED = "never_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One stay of one device of a user in a session; coming back after leaving is a new one.

    `joined_at` is None until the media room (or, with engine `none`, the join itself) has been reached.
    `lost_at` is set while the connection is lost and its grace lasts, until `grace_ends_at`. `node_id` is the
    process that has the connection. `waiting_since` is set in the waiting room: who is there is not present
    and holds no media token.
    """

    id: str
    session_id: str
    user_id: str
    role: str
    device_id: str
    accepted_at: datetime
    joined_at: datetime | None = None
    left_at: datetime | None = None
    join_expires_at: datetime | None = None
    connection_id: str | None = None
    lost_at: datetime | None = None
    grace_ends_at: datetime | None = None
    media_sid: str | None = None
    node_id: str | None = None
    waiting_since: datetime | None = None

    @property
    def present(self) -> bool:
        """Whether the participant has arrived and not left."""
        return self.joined_at is not None and self.left_at is None

    @property
    def identity(self) -> str:
        """The participant's identity in the media room."""
        return f"{self.user_id}:{self.device_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session and its open participants (those who were accepted and have not left).

    On the plain clock, while a limit exists, `timer_ends_at == started_at + max_duration_seconds ==
    started_at + sum of the ledger's seconds` (design rules 2 and 3). With policies (`fair`) it is the start
    of the running plus the total plus what was paused, and None while the clock waits. `warned_seconds` is
    the smallest warning threshold that was announced for this deadline. `media_cluster` names the media
    engine that has its room; None is the first.
    """

    id: str
    cid: str
    engine: Engine
    started_at: datetime
    max_duration_seconds: int | None
    warning_seconds: tuple[int, ...] = ()
    empty_timeout_seconds: int = 30
    join_timeout_seconds: int = 30
    warned_seconds: int | None = None
    reached_at: datetime | None = None
    empty_since: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    media_cluster: str | None = None
    participants: tuple[Participant, ...] = ()
    fair: Fair | None = None

    @property
    def timer_ends_at(self) -> datetime | None:
        """The deadline, or None without a limit and while the clock waits."""
        if self.fair is not None:
            return self.fair.timer_ends_at(self.max_duration_seconds)
        if self.max_duration_seconds is None:
            return None
        return self.started_at + timedelta(seconds=self.max_duration_seconds)

    @property
    def running(self) -> bool:
        """Whether the session has not ended."""
        return self.ended_at is None

    @property
    def void(self) -> bool:
        """Whether the session ended without anybody having reached it; nothing is billed."""
        return self.ended_reason == NEVER_CONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of the ledger: who changed the deadline, when, how and by how much (`seconds`).

    Rows that do not change the total (`clock_start`, `pause`, `resume`, `overtime`, `policy`) have 0 seconds
    and `at` the moment at which they took effect, which for an absence lies before anybody knew.
    """

    id: str
    session_id: str
    how: ChangeKind
    by: str | None
    at: datetime
    old_ends_at: datetime | None
    new_ends_at: datetime | None
    seconds: int
    reason: str | None = None
    idempotency_key: str | None = None
    details: dict[str, Any] | None = None

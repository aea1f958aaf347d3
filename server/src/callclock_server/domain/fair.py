"""What a session's clock remembers beyond the plain one: its policy, and how far each of its rules has come.

A plain session has none of this. Everything here changes only through the rules in `starting`, `pausing`,
`overrunning` and `extending`, which `clock.settle` drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from . import policy as policies
from .policy import Policy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Answer = Literal["accepted", "declined", "expired", "withdrawn", "approved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause that lasts: since when, and why. An absence counts from its beginning."""

    since: datetime
    kind: Literal["absence", "manual"]
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """More time that was offered and waits for the consent of the other side."""

    id: str
    seconds: int
    by: str | None
    offered_at: datetime
    expires_at: datetime
    price_text: str | None = None
    reason: str | None = None
    idempotency_key: str | None = None
    request_id: str | None = None
    requested_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """More time that somebody without the right has asked for."""

    id: str
    seconds: int
    by: str
    requested_at: datetime
    expires_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fair:
    """The state of a clock with policies.

    `absent` holds the roles of `pause_when_absent` that nobody present has, each with the moment since when;
    `role_left_at` the last moment at which a stay with a role ended. `paused` is the sum of the pauses that
    are over. `changed_at` is the last change of the deadline by hand: no end lies before it. `free_until` is
    looked up in the members' calendars when the session is loaded and is not part of the stored state.
    """

    policy: Policy
    scheduled_at: datetime | None = None
    started_running_at: datetime | None = None
    live: bool = True
    doors_open: bool = True
    schedule_over: bool = False
    admitted: tuple[str, ...] = ()
    seen_roles: tuple[str, ...] = ()
    role_left_at: tuple[tuple[str, datetime], ...] = ()
    absent: tuple[tuple[str, datetime], ...] = ()
    pause: Pause | None = None
    paused: timedelta = timedelta(0)
    resumed_at: datetime | None = None
    overtime_since: datetime | None = None
    overtime_ends_at: datetime | None = None
    no_show_at: datetime | None = None
    changed_at: datetime | None = None
    changes: int = 0
    extended_count: int = 0
    extended_seconds: int = 0
    extended_at: datetime | None = None
    offer: Offer | None = None
    requests: tuple[Request, ...] = ()
    free_until: datetime | None = field(default=None, compare=False)

    @property
    def pause_left(self) -> timedelta:
        """How long the clock may yet stand still, counted from the beginning of a pause that lasts."""
        return max(timedelta(0), timedelta(seconds=self.policy.max_pause_seconds) - self.paused)

    @property
    def pause_ends_at(self) -> datetime | None:
        """When the present pause is used up; None without one."""
        return None if self.pause is None else self.pause.since + self.pause_left

    @property
    def wall_ends_at(self) -> datetime | None:
        """The end of `max_wall_seconds`; None before the start and without that cap."""
        if self.started_running_at is None or self.policy.max_wall_seconds is None:
            return None
        return self.started_running_at + timedelta(seconds=self.policy.max_wall_seconds)

    def uncapped_end(self, total: int | None) -> datetime | None:
        """The start of the running, plus the total, plus what was paused; a pause that lasts counts whole."""
        if total is None or self.started_running_at is None:
            return None
        paused = self.paused + (self.pause_left if self.pause else timedelta(0))
        return self.started_running_at + timedelta(seconds=total) + paused

    def timer_ends_at(self, total: int | None) -> datetime | None:
        """The deadline: `uncapped_end`, or the end of the wall time if that comes first."""
        end, wall = self.uncapped_end(total), self.wall_ends_at
        return end if end is None or wall is None else min(end, wall)


_MOMENTS = frozenset(
    {
        "scheduled_at",
        "started_running_at",
        "resumed_at",
        "overtime_since",
        "overtime_ends_at",
        "no_show_at",
        "changed_at",
        "extended_at",
        "since",
        "offered_at",
        "requested_at",
        "expires_at",
    }
)
_FIELDS = tuple(one.name for one in fields(Fair) if one.name != "free_until")


def to_json(fair: Fair) -> dict[str, Any]:
    """Return the state as JSON can carry it, moments as microseconds since 1970; defaults are left out."""
    data: dict[str, Any] = {"policy": policies.to_json(fair.policy)}
    for name in _FIELDS[1:]:
        value = getattr(fair, name)
        if value != _DEFAULTS[name]:
            data[name] = _encode(name, value)
    return data


def from_json(data: Mapping[str, Any]) -> Fair:
    """Return what `to_json` was given."""
    values = {name: _decode(name, value) for name, value in data.items() if name != "policy"}
    return Fair(policy=policies.from_json(data["policy"]), **values)


_DEFAULTS = {name: getattr(Fair(policy=policies.PLAIN), name) for name in _FIELDS[1:]}


def _encode(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, Pause | Offer | Request):
        return {one.name: _encode(one.name, getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_encode(name, item) for item in value]
    return value


def _decode(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _MOMENTS:
        return _EPOCH + timedelta(microseconds=value)
    if name == "paused":
        return timedelta(microseconds=value)
    if name in ("role_left_at", "absent"):
        return tuple((role, _decode("since", at)) for role, at in value)
    if name == "pause":
        return Pause(**{key: _decode(key, inner) for key, inner in value.items()})
    if name == "offer":
        return Offer(**{key: _decode(key, inner) for key, inner in value.items()})
    if name == "requests":
        return tuple(Request(**{key: _decode(key, inner) for key, inner in one.items()}) for one in value)
    return tuple(value) if isinstance(value, list) else value

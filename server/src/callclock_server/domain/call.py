"""Calls, call types, members, users and roles: what the rest of the domain is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from . import capabilities
from .settings import Override, Settings, effective


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A name under which capabilities are granted."""

    name: str
    built_in: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may take part in calls; one role outside of any call."""

    id: str
    name: str | None
    role: str
    image: str | None
    custom: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class CallType:
    """What calls of a kind share: who may do what, and settings. `settings` holds only what it changes."""

    name: str
    grants: dict[str, list[str]]
    settings: Override
    members_only: bool
    built_in: bool
    created_at: datetime
    updated_at: datetime

    @cached_property
    def effective_settings(self) -> Settings:
        """The defaults with this type's settings laid over them."""
        return effective(self.settings)

    def capabilities_of(self, *roles: str | None) -> frozenset[str]:
        """Return what these roles together may do in calls of this type."""
        return capabilities.of_roles(self.grants, *roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user who belongs to a call, perhaps with a role of its own there."""

    cid: str
    user_id: str
    role: str | None
    custom: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A place to meet; its sittings are sessions. `settings_override` holds only what it changes."""

    cid: str
    type: str
    id: str
    created_by_id: str | None
    created_at: datetime
    updated_at: datetime
    starts_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    settings_override: Override = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    last_event_id: int = 0
    last_session_id: str | None = None

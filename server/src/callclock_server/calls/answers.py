"""What use cases return: the JSON shapes of `views`, grouped, with what the media part needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

View = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class CallAnswer:
    """A call as its reader may see it."""

    call: View
    members: list[View] = field(default_factory=list)
    own_capabilities: list[str] = field(default_factory=list)
    created: bool = False

    def as_json(self) -> View:
        """Return `{call, members, own_capabilities}`."""
        return {"call": self.call, "members": self.members, "own_capabilities": self.own_capabilities}


@dataclass(slots=True, kw_only=True)
class JoinAnswer(CallAnswer):
    """An accepted join. With engine `none`, and for who waits, there is no media room: `room` is None."""

    participant: View
    waiting: bool
    session_id: str
    user_id: str
    user_name: str
    role: str
    room: str | None
    room_metadata: str
    media_cluster: str | None
    identity: str
    sources: list[str]
    timer_ends_at: datetime | None


@dataclass(slots=True, kw_only=True)
class ExtendAnswer:
    """A change of the deadline, or an offer of one that waits for consent.

    `replayed` when the idempotency key was known already; `warnings` says what the change runs into.
    """

    call: View
    change: View | None = None
    offer: View | None = None
    request: View | None = None
    warnings: list[View] = field(default_factory=list)
    replayed: bool = False


@dataclass(slots=True, kw_only=True)
class Page:
    """One page of a list; `next` is the cursor of the following one, or None."""

    items: list[View]
    next: str | None

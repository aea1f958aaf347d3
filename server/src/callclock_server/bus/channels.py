"""What travels on a bus, and what a bus is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

import orjson

ACCESS = "access"
ALARM = "alarm"
OUTBOX = "outbox"

Message = Any
Receiver = Callable[[Message], None]


def call_channel(cid: str) -> str:
    """Return the channel of a call."""
    return f"call:{cid}"


def user_channel(user_id: str) -> str:
    """Return the channel on which a user's joins are told: joining watches."""
    return f"user:{user_id}"


class Bus(Protocol):
    """Carries hints between those parts, and nodes, that wait."""

    @property
    def whole(self) -> bool:
        """Whether messages reach every node at this moment; if not, readers of the tables look more often."""
        ...

    def publish(self, channel: str, message: Message) -> None:
        """Hand `message` to all subscribers of `channel`; never blocks."""
        ...

    def subscribe(self, channel: str, receiver: Receiver) -> Callable[[], None]:
        """Call `receiver` with each message of `channel`; return what ends that. It must not block."""
        ...

    async def settled(self) -> None:
        """Wait until what was subscribed hears every node; not for long, and not while the bus is away."""
        ...


class HintSource(Protocol):
    """Tells of commits: the database."""

    def on_hint(self, listener: Callable[[Any], None]) -> None: ...


class _Hint(Protocol):
    events: list[Any]
    alarm_at: datetime | None
    outbox: bool


def connect(source: HintSource, bus: Bus) -> None:
    """Publish on `bus` what each commit of `source` brought."""

    def forward(hint: _Hint) -> None:
        for cid, group in groupby(hint.events, key=attrgetter("cid")):
            rows = tuple(group)
            if rows[0].notice_channel is None:
                bus.publish(call_channel(cid), rows)
                continue
            for row in rows:
                bus.publish(row.notice_channel, orjson.loads(row.payload) | {"position": row.position})
        if hint.alarm_at is not None:
            bus.publish(ALARM, hint.alarm_at)
        if hint.outbox:
            bus.publish(OUTBOX, None)

    source.on_hint(forward)

"""What travels on a bus, and what a bus is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

ALARM = "alarm"
OUTBOX = "outbox"

Message = Any
Receiver = Callable[[Message], None]


def call_channel(cid: str) -> str:
    """Return the channel of a call."""
    return f"call:{cid}"


class Bus(Protocol):
    """Carries hints between those parts, and nodes, that wait."""

    def publish(self, channel: str, message: Message) -> None:
        """Hand `message` to all subscribers of `channel`; never blocks."""
        ...

    def subscribe(self, channel: str, receiver: Receiver) -> Callable[[], None]:
        """Call `receiver` with each message of `channel`; return what ends that. It must not block."""
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
        for cid, events in groupby(hint.events, key=attrgetter("cid")):
            bus.publish(call_channel(cid), tuple(events))
        if hint.alarm_at is not None:
            bus.publish(ALARM, hint.alarm_at)
        if hint.outbox:
            bus.publish(OUTBOX, None)

    source.on_hint(forward)

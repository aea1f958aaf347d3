"""One event stream on the server's side: who listens, to which calls, and what is still to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callclock_server.api.event_stream.frames import FrameSink, stamped, text_frame
from callclock_server.api.event_stream.outbox import Outbox, Overflow
from callclock_server.api.event_stream.protocol import Close, CloseCode
from callclock_server.api.wire import dump
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import EventRow


@dataclass(slots=True)
class Subscription:
    """Where a connection stands in one call: `seen_id` is the newest event it has got.

    While `held` is a list, the state of the call is being read and events wait in it.
    """

    cid: str
    seen_id: int = 0
    held: list[EventRow] | None = field(default_factory=list)


class Connection:
    """An authenticated event stream. `hub.py` drives it, `socket.py` carries it."""

    def __init__(
        self,
        *,
        connection_id: str,
        actor: Actor,
        expires_at: float | None,
        outbox: Outbox,
        sink: FrameSink | None,
        stamp: Callable[[], str],
        now: float,
    ) -> None:
        self.id = connection_id
        self.actor = actor
        self.expires_at = expires_at
        self.outbox = outbox
        self.sink = sink
        self._stamp = stamp
        self.subscriptions: dict[str, Subscription] = {}
        self.closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sending_since: float | None = None
        self.checked_at = now

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; `server_time` is added when it goes out."""
        self.put(dump(message).decode())

    def put(self, payload: str, frame: bytes | None = None) -> None:
        """Send JSON text without `server_time`; `frame` is the same with it, when others get it too.

        It goes out at once to a reader that keeps up, else it waits; a reader too far behind is dropped
        (4008).
        """
        if self.closing.done():
            return
        sink = self.sink
        if sink is not None and sink.ready and not self.outbox and self.sending_since is None:
            sink.write(frame or text_frame(stamped(payload, self._stamp())))
            return
        try:
            self.outbox.put(payload)
        except Overflow:
            self.close(CloseCode.SLOW_READER, "slow-reader")

    def close(self, code: CloseCode, reason: str) -> None:
        """Ask the socket to close; the first reason stays."""
        if not self.closing.done():
            self.closing.set_result(Close(code, reason))

    def deliver(self, row: EventRow, frame: bytes | None = None) -> bool:
        """Send an event of a watched call. False when events before it are missing."""
        subscription = self.subscriptions.get(row.cid)
        if subscription is None:
            return True
        if subscription.held is not None:
            subscription.held.append(row)
            return True
        if row.id <= subscription.seen_id:
            return True
        if row.id != subscription.seen_id + 1:
            return False
        subscription.seen_id = row.id
        self.put(row.payload, frame)
        return True

    def hold(self, cid: str) -> Subscription:
        """Watch a call, holding its events back until `release`."""
        subscription = self.subscriptions.get(cid)
        if subscription is None:
            subscription = self.subscriptions[cid] = Subscription(cid)
        elif subscription.held is None:
            subscription.held = []
        return subscription

    def release(self, subscription: Subscription) -> bool:
        """Go live with what was held. False when events are missing: read them, then release again."""
        held, subscription.held = subscription.held or [], None
        for place, row in enumerate(held):
            if not self.deliver(row):
                subscription.held = held[place:]
                return False
        return True

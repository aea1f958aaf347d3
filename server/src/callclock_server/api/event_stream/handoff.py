"""Sends the event streams of a process that stops elsewhere, a few at a time.

Every client is told at once how long to wait (`connection.reconnect`), each a different time, so that
thousands do not come back in one instant. Until its turn it hears events as before. A client that has not
moved by then is closed with 1012, which every client knows as "come back".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from callclock_server.api.event_stream.connection import Connection
from callclock_server.api.event_stream.protocol import CloseCode

REASON = "draining"
# A process admits several times as many; the rest of its time belongs to the calls.
STREAMS_PER_SECOND = 250.0


@dataclass(frozen=True, slots=True)
class Pace:
    """When streams move: the first after `first_seconds`, the last `spread_seconds` later at the most.

    `closes_at_once` is for a process without others: its clients can go nowhere until it is back, so their
    waits begin with the close. Otherwise a stream stays open for `patience_seconds` beyond its turn.
    """

    first_seconds: float
    spread_seconds: float
    patience_seconds: float
    closes_at_once: bool

    @classmethod
    def alone(cls) -> Pace:
        """For the only process on its database."""
        return cls(first_seconds=1.0, spread_seconds=10.0, patience_seconds=0.0, closes_at_once=True)

    @classmethod
    def among_others(cls, within_seconds: float) -> Pace:
        """For one of several processes that has `within_seconds` to end.

        The first wait lets the load balancer notice that this process is not ready.
        """
        return cls(
            first_seconds=min(3.0, 0.15 * within_seconds),
            spread_seconds=0.5 * within_seconds,
            patience_seconds=min(2.0, 0.1 * within_seconds),
            closes_at_once=False,
        )

    def turns(self, count: int) -> list[float]:
        """The wait of each of `count` streams, in seconds, evenly spread."""
        spread = min(count / STREAMS_PER_SECOND, self.spread_seconds)
        return [self.first_seconds + spread * place / count for place in range(count)]


async def hand_off(connections: Sequence[Connection], pace: Pace) -> None:
    """Tell every connection to come back, and return when all of them are gone or told to close."""
    for connection, turn in zip(connections, pace.turns(len(connections)), strict=True):
        tell(connection, delay_seconds=turn)
    if pace.closes_at_once:
        for connection in connections:
            connection.close(CloseCode.RESTARTING, REASON)
        return
    loop = asyncio.get_running_loop()
    began = loop.time()
    # Nobody may be sent here any more when this returns, even if there is no stream to hand off.
    await asyncio.sleep(pace.first_seconds)
    for connection, turn in zip(connections, pace.turns(len(connections)), strict=True):
        left = began + turn + pace.patience_seconds - loop.time()
        ends: set[asyncio.Future[Any]] = {connection.closing, connection.gone}
        await asyncio.wait(
            ends,
            timeout=max(left, 0.0),
            return_when=asyncio.FIRST_COMPLETED,
        )
        connection.close(CloseCode.RESTARTING, REASON)


def tell(connection: Connection, *, delay_seconds: float) -> None:
    """Give one connection its hint."""
    connection.say(reconnect_hint(delay_seconds))


def reconnect_hint(delay_seconds: float) -> dict[str, object]:
    """The message that asks a client to connect again."""
    return {"type": "connection.reconnect", "delay_seconds": round(delay_seconds, 3), "reason": REASON}

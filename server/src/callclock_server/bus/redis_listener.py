"""The way from the other nodes: one connection that subscribes to what somebody here wants to hear.

What is subscribed and unsubscribed in one turn of the loop goes out together, followed by a ping: its answer
says that Redis has done it, because Redis answers in order. A ping that is not answered in time says that the
connection is dead, also when nobody has closed it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool

from .backoff import Backoff

log = structlog.get_logger(__name__)

CHANNELS_PER_COMMAND = 500
PING_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 1.0
CONNECT_WITHIN_SECONDS = 2.0
SETTLE_WITHIN_SECONDS = 0.25
MESSAGES_PER_TURN = 200


@dataclass(slots=True)
class _Ping:
    sent_at: float
    waiters: list[asyncio.Future[None]] = field(default_factory=list)


class Listener:
    """Calls `receive(channel, data)` for every message; `up` while everything wanted is subscribed."""

    def __init__(self, pool: ConnectionPool, receive: Callable[[str, bytes], None], *, prefix: str) -> None:
        self._pool = pool
        self._receive = receive
        self._prefix = prefix
        self._wanted: set[str] = set()
        self._changed: dict[str, bool] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._pings: deque[_Ping] = deque()
        self._wake = asyncio.Event()
        self.up = False
        self.connects = 0
        self.connected = asyncio.Event()

    def add(self, channel: str) -> None:
        """Subscribe to a channel."""
        self._wanted.add(channel)
        self._change(channel, True)

    def remove(self, channel: str) -> None:
        """Subscribe to it no longer."""
        self._wanted.discard(channel)
        self._change(channel, False)

    def _change(self, channel: str, wanted: bool) -> None:
        self._changed[channel] = wanted
        self._wake.set()

    async def settled(self) -> None:
        """Wait until Redis has done what was asked of it until now."""
        if not self.up or not (self._changed or self._pings):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_WITHIN_SECONDS):
                await waiter

    async def run(self) -> NoReturn:
        """Listen until cancelled; come back by itself when Redis does."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(backoff)
            except Exception as exc:
                # The edge of the loop. Not all are RedisError: uvloop has a RuntimeError for what is closed.
                if self.up:
                    log.warning("redis_listening_lost", reason=str(exc) or type(exc).__name__)
            finally:
                self._down()
            await backoff.rest()

    async def _listen(self, backoff: Backoff) -> None:
        connection: AbstractConnection = self._pool.connection_class(**self._pool.connection_kwargs)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
            await self._carry(connection, backoff)
        finally:
            await connection.disconnect(nowait=True)

    async def _carry(self, connection: AbstractConnection, backoff: Backoff) -> None:
        """Subscribe to everything, then read and write until one of the two fails."""
        self._changed.clear()
        await self._send(connection, "SUBSCRIBE", (self._prefix + "hello", *map(self._named, self._wanted)))
        await self._ping(connection)
        tasks = [
            asyncio.ensure_future(self._read(connection, backoff)),
            asyncio.ensure_future(self._write(connection)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _read(self, connection: AbstractConnection, backoff: Backoff) -> NoReturn:
        count = 0
        while True:
            answer: list[Any] = await connection.read_response()
            kind = answer[0]
            if kind == b"message":
                self._receive(answer[1][len(self._prefix) :].decode(), answer[2])
                count += 1
                if count % MESSAGES_PER_TURN == 0:
                    await asyncio.sleep(0)  # a flood must not keep the rest of the process waiting
            elif kind == b"pong":
                self._answered()
                backoff.reset()

    def _answered(self) -> None:
        for waiter in self._pings.popleft().waiters if self._pings else ():
            if not waiter.done():
                waiter.set_result(None)
        if not self.up:
            self.up = True
            self.connects += 1
            self.connected.set()
            log.info("redis_listening", channels=len(self._wanted), connects=self.connects)

    async def _write(self, connection: AbstractConnection) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            if self._pings and time.monotonic() - self._pings[0].sent_at > ANSWER_WITHIN_SECONDS:
                raise TimeoutError("Redis does not answer")
            changed, self._changed = self._changed, {}
            for command, wanted in (("SUBSCRIBE", True), ("UNSUBSCRIBE", False)):
                channels = [self._named(channel) for channel, now in changed.items() if now is wanted]
                await self._send(connection, command, channels)
            await self._ping(connection)

    async def _ping(self, connection: AbstractConnection) -> None:
        waiters, self._waiters = self._waiters, []
        self._pings.append(_Ping(time.monotonic(), waiters))
        await connection.send_command("PING")

    async def _send(self, connection: AbstractConnection, command: str, channels: Iterable[str]) -> None:
        for part in _parts(channels, CHANNELS_PER_COMMAND):
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                await connection.send_command(command, *part)

    def _named(self, channel: str) -> str:
        return self._prefix + channel

    def _down(self) -> None:
        self.up = False
        self._changed.clear()
        waiting = [*self._waiters, *(waiter for ping in self._pings for waiter in ping.waiters)]
        self._waiters = []
        self._pings.clear()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _parts(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part

"""The bus between nodes: at once inside the process, through Redis to the others.

Whatever happens to Redis, `publish` and `subscribe` work, and the own process hears everything. `whole` says
whether the other nodes are reached too; while they are not, the readers of the tables look there more often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

from .channels import Message, Receiver
from .local import LocalBus
from .redis_listener import Listener
from .redis_sender import Sender
from .wire import Wire

log = structlog.get_logger(__name__)

OPEN_WITHIN_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_FLUSH_SECONDS = 1.0


class BusUnavailable(Exception):
    """Redis cannot be used; the message says which and why, in one sentence and without the password."""


class RedisBus:
    """A bus over the Redis at `url`. `await open()` before anything else, `await close()` in the end.

    Nodes that share `prefix` hear each other; `node_id` has 12 characters and is this one's alone. `row`
    makes the row of an event from the values of `fields`.
    """

    def __init__(
        self, url: str, *, prefix: str, node_id: str, row: Callable[..., Any], fields: Sequence[str]
    ) -> None:
        self.address = address_of(url)
        self._wire = Wire(node_id, row=row, fields=fields)
        self._local = LocalBus()
        options: dict[str, Any] = {
            "protocol": 2,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": None,
            "retry": Retry(NoBackoff(), 0),
        }
        self._pool: ConnectionPool = ConnectionPool.from_url(url, **options)
        self._redis = Redis(connection_pool=self._pool)
        self._sender = Sender(self._redis, self._wire, prefix=f"{prefix}:")
        self._listener = Listener(self._pool, self._receive, prefix=f"{prefix}:")
        self._subscribers: dict[str, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def whole(self) -> bool:
        """Whether this node hears the others and they hear it."""
        return self._sender.up and self._listener.up

    @property
    def dropped(self) -> int:
        """How many messages did not go to the other nodes."""
        return self._sender.dropped

    @property
    def connects(self) -> int:
        """How often Redis was connected to."""
        return self._listener.connects

    async def open(self) -> None:
        """Connect. Raises `BusUnavailable` when that fails now; what fails later mends itself."""
        try:
            async with asyncio.timeout(OPEN_WITHIN_SECONDS):
                await self._redis.ping()
                self._sender.up = True
                self._tasks = [asyncio.create_task(one.run()) for one in (self._sender, self._listener)]
                await self._listener.connected.wait()
        except (RedisError, OSError, TimeoutError) as exc:
            await self.close()
            raise BusUnavailable(self._sentence(exc)) from exc

    async def close(self) -> None:
        """Send what is queued, if Redis takes it quickly, and disconnect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._sender.flushed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()
        await self._pool.disconnect()

    def publish(self, channel: str, message: Message) -> None:
        """Hand `message` to the subscribers of this process, and put it in the queue to the other nodes."""
        self._local.publish(channel, message)
        self._sender.put(channel, message)

    def subscribe(self, channel: str, receiver: Receiver) -> Callable[[], None]:
        """Call `receiver` with each message of `channel`, whoever sent it; return what ends that."""
        end = self._local.subscribe(channel, receiver)
        first = self._subscribers.get(channel, 0) == 0
        self._subscribers[channel] = self._subscribers.get(channel, 0) + 1
        if first:
            self._listener.add(channel)
        ended = False

        def unsubscribe() -> None:
            nonlocal ended
            if ended:
                return
            ended = True
            end()
            self._subscribers[channel] -= 1
            if not self._subscribers[channel]:
                del self._subscribers[channel]
                self._listener.remove(channel)

        return unsubscribe

    async def settled(self) -> None:
        """Wait until Redis has taken the subscriptions; a quarter of a second at most."""
        await self._listener.settled()

    def _sentence(self, exc: Exception) -> str:
        if isinstance(exc, AuthenticationError):
            return f"Redis at {self.address} refuses the user or the password."
        reason = str(exc).rstrip(".") or f"no answer within {OPEN_WITHIN_SECONDS:g} s"
        return f"Redis at {self.address} cannot be used: {reason}."

    def _receive(self, channel: str, data: bytes) -> None:
        if self._wire.own(data):
            return
        try:
            message = self._wire.decode(data)
        except ValueError:
            log.exception("bus_message_not_read", channel=channel)
            return
        self._local.publish(channel, message)


def address_of(url: str) -> str:
    """Return a Redis URL without user and password, for people to read."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "localhost"
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"

"""The way to the other nodes: a bounded queue, emptied in batches over one connection.

A batch is one command: a script publishes all its messages, so that a commit with thousands of them costs
neither thousands of answers nor a trip for each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NoReturn

import structlog
from redis.asyncio import Redis

from .backoff import Backoff
from .channels import Message
from .wire import Wire, weight

log = structlog.get_logger(__name__)

MAX_QUEUED_MESSAGES = 100_000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
BATCH_MESSAGES = 256
BATCH_BYTES = 1024 * 1024
ANSWER_WITHIN_SECONDS = 1.0
PING_SECONDS = 2.0
_PUBLISH = "for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end"


class Sender:
    """Takes messages without waiting, and drops what Redis cannot take: `dropped` counts them."""

    def __init__(self, redis: Redis, wire: Wire, *, prefix: str) -> None:
        self._redis = redis
        self._wire = wire
        self._prefix = prefix
        self._publish = redis.register_script(_PUBLISH)
        self._queue: deque[tuple[str, Message, int]] = deque()
        self._bytes = 0
        self._under_way = 0
        self._waiting = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.up = False
        self.dropped = 0

    def put(self, channel: str, message: Message) -> None:
        """Queue a message; it is dropped when Redis is away or too far behind."""
        size = weight(message)
        if not self.up or len(self._queue) >= MAX_QUEUED_MESSAGES or self._bytes + size > MAX_QUEUED_BYTES:
            self.dropped += 1
            return
        self._queue.append((channel, message, size))
        self._bytes += size
        self._empty.clear()
        self._waiting.set()

    async def flushed(self) -> None:
        """Wait until what is queued has been sent, or dropped."""
        await self._empty.wait()

    async def run(self) -> NoReturn:
        """Send until cancelled; come back by itself when Redis does."""
        backoff = Backoff()
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    await self._redis.ping()
                self.up = True
                backoff.reset()
                while True:
                    await self._send()
            except Exception as exc:
                # The edge of the loop. Not all are RedisError: uvloop has a RuntimeError for what is closed.
                if self.up:
                    log.warning("redis_sending_lost", reason=str(exc) or type(exc).__name__)
                self.up = False
                self._drop()
            await backoff.rest()

    async def _send(self) -> None:
        """Send a batch, or make sure that Redis still answers."""
        if not self._queue:
            self._waiting.clear()
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._waiting.wait()
            except TimeoutError:
                async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                    await self._redis.ping()
                return
        batch = self._batch()
        if batch:
            self._under_way = len(batch) // 2
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                await self._publish(args=batch)
            self._under_way = 0
        if not self._queue:
            self._empty.set()

    def _batch(self) -> list[str | bytes]:
        batch: list[str | bytes] = []
        room = BATCH_BYTES
        while self._queue and len(batch) < 2 * BATCH_MESSAGES and room > 0:
            channel, message, size = self._queue.popleft()
            self._bytes -= size
            room -= size
            try:
                data = self._wire.encode(message)
            except TypeError:
                self.dropped += 1
                log.exception("bus_message_not_encoded", channel=channel)
                continue
            batch += (self._prefix + channel, data)
        return batch

    def _drop(self) -> None:
        self.dropped += len(self._queue) + self._under_way
        self._under_way = 0
        self._queue.clear()
        self._bytes = 0
        self._empty.set()

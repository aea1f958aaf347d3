"""Looks at a Redis as an operator would: does it answer, let us in, and carry a message?"""

from __future__ import annotations

import asyncio
import secrets
import time

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from .redis import BusUnavailable, address_of

LOOK_WITHIN_SECONDS = 5.0


async def look(url: str, *, prefix: str) -> float:
    """Send a message through Redis to ourselves; return the seconds that it took.

    Raises `BusUnavailable` with a sentence and without the password.
    """
    try:
        # Inside: the client reads the URL here, and refuses some.
        redis = Redis.from_url(url, socket_connect_timeout=LOOK_WITHIN_SECONDS, retry=Retry(NoBackoff(), 0))
    except ValueError as exc:
        raise BusUnavailable(f"CALLCLOCK_REDIS_URL cannot be read: {exc}.") from exc
    try:
        async with redis, asyncio.timeout(LOOK_WITHIN_SECONDS):
            return await _round_trip(redis, channel=f"{prefix}:look:{secrets.token_hex(8)}")
    except (AuthenticationError, NoPermissionError) as exc:
        raise BusUnavailable(
            f"Redis at {address_of(url)} refuses the user or the password, or does not let us publish."
        ) from exc
    except (RedisError, OSError, TimeoutError) as exc:
        reason = str(exc).rstrip(".") or f"no answer within {LOOK_WITHIN_SECONDS:g} s"
        if "Authentication required" in reason:
            reason = "it wants a password"
        raise BusUnavailable(f"Redis at {address_of(url)} cannot be used: {reason}.") from exc


async def _round_trip(redis: Redis, *, channel: str) -> float:
    async with redis.pubsub() as listening:
        await listening.subscribe(channel)
        await listening.get_message(timeout=LOOK_WITHIN_SECONDS)
        sent_at = time.monotonic()
        await redis.publish(channel, b"look")
        while True:
            message = await listening.get_message(ignore_subscribe_messages=True, timeout=LOOK_WITHIN_SECONDS)
            if message is not None:
                return time.monotonic() - sent_at

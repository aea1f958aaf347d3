"""Redis, which carries the hints between processes."""

from __future__ import annotations

from callclock_server.bus import BusUnavailable
from callclock_server.bus.look import look
from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.settings import Settings

SLOW_SECONDS = 0.1


async def check_redis(settings: Settings) -> Finding | None:
    """A message goes through Redis and comes back; None where no Redis is wanted."""
    if settings.redis_url is None:
        if not settings.has_others:
            return None
        text = (
            "Not configured: events reach clients of other processes by way of the database, within a second."
        )
        remedy = "With more than one process, set CALLCLOCK_REDIS_URL."
        return Finding(Level.WARN, "Redis", text, remedy)
    try:
        seconds = await look(settings.redis_url, prefix=settings.redis_prefix)
    except BusUnavailable as exc:
        return Finding(Level.FAIL, "Redis", str(exc), "Check CALLCLOCK_REDIS_URL and that Redis runs.")
    text = f"A message goes through it in {seconds * 1000:.1f} ms."
    if seconds > SLOW_SECONDS:
        return Finding(Level.WARN, "Redis", text, "Place Redis in the same network as the servers.")
    return Finding(Level.OK, "Redis", text)

"""Moments as text."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache


@lru_cache(maxsize=4096)  # one commit's events repeat the same few moments thousands of times
def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC as text with microseconds, `2026-11-23T13:00:00.123456Z`."""
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"


def maybe_rfc3339(moment: datetime | None) -> str | None:
    """Return None for None, else the text."""
    return None if moment is None else rfc3339(moment)

"""Loudness of a track from the audio-level header extension (RFC 6464)."""

from __future__ import annotations

import math

_RISE_SECONDS = 0.08
_FALL_SECONDS = 0.25
_SILENCE_AFTER_SECONDS = 0.2
_LINEAR = tuple(10 ** (-dbov / 20) if dbov < 127 else 0.0 for dbov in range(128))


class AudioLevel:
    """Smooths levels, quick to rise and slow to fall. Pure: time is passed in."""

    def __init__(self) -> None:
        self._value = 0.0
        self._at = 0.0

    def observe(self, level: int, now: float) -> None:
        """Take one packet's level byte; the low 7 bits are -dBov (0 loud, 127 silent)."""
        target = _LINEAR[level & 0x7F]
        seconds = _RISE_SECONDS if target > self._value else _FALL_SECONDS
        share = 1.0 - math.exp(-max(now - self._at, 0.0) / seconds)
        self._value += (target - self._value) * share
        self._at = now

    def value(self, now: float) -> float:
        """Loudness 0..1 at this moment; without packets it falls to 0."""
        silent_for = now - self._at - _SILENCE_AFTER_SECONDS
        if silent_for <= 0.0:
            return self._value
        return self._value * math.exp(-silent_for / _FALL_SECONDS)

    def silence(self) -> None:
        """Drop to 0 at once, as when the track is muted."""
        self._value = 0.0

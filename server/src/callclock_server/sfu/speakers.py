"""Who speaks: turns audio levels into the changes that clients are told of. Pure, fed with levels."""

from __future__ import annotations

from collections.abc import Mapping

from livekit.protocol import models

UPDATE_INTERVAL_SECONDS = 0.3
ACTIVE_LEVEL = 0.1
"""A participant speaks from here on (0..1)..."""
SILENT_LEVEL = 0.05
"""...and until its level falls below this: the gap keeps pauses between words from flapping."""

_STEPS = 8
"""Levels are told in eighths, so that a steady voice causes no messages."""


class SpeakerBoard:
    """What clients were last told about the speakers of one room."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def update(self, levels: Mapping[str, float]) -> list[models.SpeakerInfo]:
        """Take the present level (0..1) per participant sid; returns what changed."""
        speaking = {
            sid: _rounded(level)
            for sid, level in levels.items()
            if level >= (SILENT_LEVEL if sid in self._told else ACTIVE_LEVEL)
        }
        changes = [
            models.SpeakerInfo(sid=sid, level=level, active=True)
            for sid, level in speaking.items()
            if self._told.get(sid) != level
        ]
        changes += [
            models.SpeakerInfo(sid=sid, level=0.0, active=False) for sid in self._told if sid not in speaking
        ]
        self._told = speaking
        return changes

    def speaking(self) -> list[models.SpeakerInfo]:
        """The present speakers, for a client that has just joined."""
        return [models.SpeakerInfo(sid=sid, level=level, active=True) for sid, level in self._told.items()]


def _rounded(level: float) -> float:
    return max(1, min(_STEPS, round(level * _STEPS))) / _STEPS

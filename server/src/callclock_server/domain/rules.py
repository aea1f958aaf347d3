"""Figures of the rules that an operator may set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Bounds that hold for every call of a deployment (seconds)."""

    max_duration_ceiling_seconds: int = 86_400
    connection_grace_seconds: int = 10

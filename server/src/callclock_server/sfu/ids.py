"""Server-made identifiers: short, random, with LiveKit's prefixes (RM_, PA_, TR_)."""

from __future__ import annotations

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_sid(prefix: str) -> str:
    """A fresh identifier, about 70 random bits after the prefix."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def new_ssrc() -> int:
    """A fresh RTP synchronisation source: 32 random bits, never 0 (RFC 3550 section 8.1)."""
    return secrets.randbelow(2**32 - 2) + 1

"""New ids."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Return `prefix` and 96 random bits: `ses_1f0c...`."""
    return f"{prefix}_{secrets.token_hex(12)}"

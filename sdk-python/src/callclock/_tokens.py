"""Tokens, made here from the secret; the secret itself never leaves the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jwt

# A token's `iat` lies a little in the past, so that a server whose clock is slightly behind ours does not
# take it for a token from the future.
BACKDATED_SECONDS = 60


@dataclass
class TokenMint:
    """Signs tokens with one key's secret (HS256, design section 7)."""

    secret: str = field(repr=False)
    read_clock: Callable[[], float] = time.time
    offset_seconds: float = 0.0
    """What the server's clock is ahead of ours, once an expired token has made us look."""

    def user_token(
        self, user_id: str, *, expires_in_seconds: int, call_cids: Iterable[str] | None = None
    ) -> str:
        """A token with which `user_id` may use the API until it expires, for `call_cids` only if given."""
        claims: dict[str, Any] = {"user_id": user_id, "iat": self._now() - BACKDATED_SECONDS}
        if call_cids is not None:
            claims["call_cids"] = list(call_cids)
        return self._sign(claims, expires_in_seconds)

    def server_token(self, *, expires_in_seconds: int) -> str:
        """A token that may do everything, made to be used at once."""
        return self._sign({"server": True}, expires_in_seconds)

    def learn_server_time(self, server_timestamp: float) -> None:
        """Correct for the difference between the server's clock and ours."""
        self.offset_seconds = server_timestamp - self.read_clock()

    def _now(self) -> int:
        return int(self.read_clock() + self.offset_seconds)

    def _sign(self, claims: dict[str, Any], expires_in_seconds: int) -> str:
        return jwt.encode(claims | {"exp": self._now() + expires_in_seconds}, self.secret, algorithm="HS256")

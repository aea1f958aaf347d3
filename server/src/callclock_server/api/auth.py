"""Who is asking: API keys and signed tokens.

`Authorization: Bearer <JWT HS256>` with `X-Api-Key`; the token is signed with the secret of that key.
Several keys may be configured at once, so that one can replace another without an interruption.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from callclock_server.domain import errors
from callclock_server.domain.permissions import Actor
from callclock_server.timekeeping import Clock

if TYPE_CHECKING:
    from jwt.types import Options

LEEWAY_SECONDS = 10
MAX_TOKEN_LENGTH = 8_192
USER_ID = re.compile(r"[A-Za-z0-9_.@\-]{1,64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified token: who acts, and until when (Unix seconds; None for ever)."""

    actor: Actor
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Doorman:
    """Verifies tokens against the configured keys, by the server's clock."""

    keys: Mapping[str, str]
    clock: Clock

    def admit(self, *, api_key: str | None, token: str | None) -> Identity:
        """Return who acts. Raises an `AuthenticationError`."""
        if not token:
            raise errors.AuthenticationRequired("Send a token in the Authorization header, as Bearer.")
        if not api_key:
            raise errors.AuthenticationRequired("Send the API key in the X-Api-Key header.")
        secret = self.keys.get(api_key)
        if secret is None:
            raise errors.UnknownApiKey("This server does not know the API key.")
        if len(token) > MAX_TOKEN_LENGTH:
            raise errors.InvalidToken("The token is too long.")
        return self._identity(self._claims(token, secret), api_key=api_key)

    def _claims(self, token: str, secret: str) -> dict[str, Any]:
        # Expiry is judged below by our own clock: PyJWT would read the machine's.
        unchecked: Options = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
        }
        try:
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=unchecked)
        except (jwt.PyJWTError, ValueError) as exc:
            raise errors.InvalidToken(
                "The token is not a JWT signed with the secret of this API key."
            ) from exc
        return claims

    def _identity(self, claims: dict[str, Any], *, api_key: str) -> Identity:
        server = claims.get("server") is True
        now = self.clock.now().timestamp()
        expires_at = _seconds(claims, "exp", required=not server)
        if expires_at is not None and expires_at + LEEWAY_SECONDS <= now:
            raise errors.TokenExpired("The token has expired.")
        for claim in ("iat", "nbf"):
            earliest = _seconds(claims, claim, required=False)
            if earliest is not None and earliest - LEEWAY_SECONDS > now:
                raise errors.InvalidToken(f"The claim {claim} lies in the future.")
        if server:
            return Identity(Actor(user_id=None, server=True, call_cids=None, api_key=api_key), expires_at)
        user_id = claims.get("user_id")
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
            raise errors.InvalidToken("The token names neither a user nor the server.")
        return Identity(
            Actor(user_id=user_id, server=False, call_cids=_call_cids(claims), api_key=api_key), expires_at
        )


def bearer_token(authorization: str | None) -> str | None:
    """The token of an Authorization header, or None when there is no header.

    Raises `InvalidToken` for a header of another scheme.
    """
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.InvalidToken("The Authorization header must be: Bearer, a space, the token.")
    return token.strip()


def _seconds(claims: dict[str, Any], name: str, *, required: bool) -> float | None:
    value = claims.get(name)
    if value is None and not required:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise errors.InvalidToken(f"The claim {name} is missing or is not a number of seconds.")
    return float(value)


def _call_cids(claims: dict[str, Any]) -> frozenset[str] | None:
    value = claims.get("call_cids")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(cid, str) for cid in value):
        raise errors.InvalidToken("The claim call_cids must be a list of call ids.")
    return frozenset(value)

"""The ICE-lite side of one peer (RFC 8445 section 2.5): it only answers, and follows the client's choice.

Pure: fed requests and the time, it says which credentials are valid, where to send, and whether the
client still consents to being sent to (RFC 7675).
"""

from __future__ import annotations

import secrets
import string

from callclock_server.sfu.media.stun import (
    Address,
    BindingRequest,
    pack_binding_success,
    pack_role_conflict,
)

CONSENT_SECONDS = 15.0
"""Silence after which a client counts as gone (clients give up upstream after about as long)."""

FIRST_CONTACT_SECONDS = 30.0
"""How long a client may take from its description to its first valid check."""

_STALE_PATH_SECONDS = 5.0
_MAX_ADDRESSES = 16
_ALPHABET = string.ascii_letters + string.digits + "+/"


def make_credentials() -> tuple[str, str]:
    """Make a random (ufrag, pwd); 48 and 192 bits (RFC 8445 section 5.3 wants 24 and 128)."""
    ufrag = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    pwd = "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return ufrag, pwd


class IceLite:
    """Credentials, validated addresses and consent of one peer."""

    def __init__(self) -> None:
        self.ufrag, self.pwd = make_credentials()
        self.selected: Address | None = None
        self._previous: tuple[str, str] | None = None
        self._seen: dict[Address, float] = {}
        self._alive_at: float | None = None
        self._limit = FIRST_CONTACT_SECONDS

    @property
    def ufrags(self) -> tuple[str, ...]:
        """Every ufrag that is answered at the moment."""
        return (self.ufrag, self._previous[0]) if self._previous else (self.ufrag,)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every address that proved to be the client's."""
        return tuple(self._seen)

    def start(self, now: float) -> None:
        """Begin the wait for the first check."""
        if self._alive_at is None:
            self._alive_at = now

    def restart(self) -> tuple[str, str]:
        """Make new credentials; the old ones stay valid until the new ones are used (RFC 8445 section 9)."""
        self._previous = (self.ufrag, self.pwd)
        self.ufrag, self.pwd = make_credentials()
        return self.ufrag, self.pwd

    def answer(self, request: BindingRequest, *, address: Address, now: float) -> bytes | None:
        """Answer a check; None for one that is not signed with a valid password."""
        ufrag = request.local_ufrag
        pwd = self._password(ufrag)
        if pwd is None or not request.is_signed_with(pwd):
            return None
        if request.controlled:
            return pack_role_conflict(request, pwd=pwd)
        if self._previous and ufrag == self.ufrag:
            self._previous = None
        self._note(address, nominated=request.use_candidate, now=now)
        return pack_binding_success(request, address=address, pwd=pwd)

    def has_consent(self, now: float) -> bool:
        """Whether the client showed itself lately (always true before `start`)."""
        return self._alive_at is None or now - self._alive_at <= self._limit

    def _password(self, ufrag: str) -> str | None:
        if ufrag == self.ufrag:
            return self.pwd
        return self._previous[1] if self._previous and ufrag == self._previous[0] else None

    def _note(self, address: Address, *, nominated: bool, now: float) -> None:
        self._alive_at, self._limit = now, CONSENT_SECONDS
        self._seen.pop(address, None)
        self._seen[address] = now
        if len(self._seen) > _MAX_ADDRESSES:
            self._seen.pop(next(a for a in self._seen if a != self.selected))
        current = self._seen.get(self.selected) if self.selected else None
        if nominated or current is None or now - current > _STALE_PATH_SECONDS:
            self.selected = address

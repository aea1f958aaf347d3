"""STUN binding requests and answers (RFC 8489), as far as an ICE-lite agent needs them.

Unauthenticated datagrams reach this module, so that it looks before it computes: the user name is found
without hashing, and only a known one leads to an HMAC.
"""

from __future__ import annotations

import binascii
import hmac
import ipaddress
from dataclasses import dataclass
from struct import Struct

_HEADER = Struct("!HHI12s")
_ATTRIBUTE = Struct("!HH")
_COOKIE = 0x2112A442
_BINDING_REQUEST, _BINDING_SUCCESS, _BINDING_ERROR = 0x0001, 0x0101, 0x0111
_USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE, _XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_USE_CANDIDATE, _FINGERPRINT, _ICE_CONTROLLED = 0x0025, 0x8028, 0x8029
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_SIZE = 24
_MAX_ATTRIBUTES = 32

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A parsed, not yet authenticated binding request. `signed_size` bytes precede its integrity."""

    transaction_id: bytes
    username: bytes
    use_candidate: bool
    controlled: bool
    signed_size: int
    integrity: bytes
    raw: bytes

    @property
    def local_ufrag(self) -> str:
        """The first half of the user name: the ufrag of the agent that is asked."""
        return self.username.partition(b":")[0].decode("ascii", "replace")

    def is_signed_with(self, pwd: str) -> bool:
        """Check MESSAGE-INTEGRITY against a short-term password."""
        covered = _with_length(self.raw[: self.signed_size], extra=_INTEGRITY_SIZE)
        return hmac.compare_digest(hmac.digest(pwd.encode(), covered, "sha1"), self.integrity)


def is_stun(data: bytes) -> bool:
    """Tell STUN from the other protocols on the port (RFC 7983 section 7)."""
    return len(data) >= 20 and data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42"


def parse_binding_request(data: bytes) -> BindingRequest | None:
    """Parse a binding request; None for anything else, malformed or without credentials."""
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if kind != _BINDING_REQUEST or cookie != _COOKIE or length + 20 != len(data) or length % 4:
        return None
    username = integrity = b""
    signed_size = 0
    use_candidate = controlled = False
    position = 20
    for _ in range(_MAX_ATTRIBUTES):
        if position + 4 > len(data):
            break
        attribute, size = _ATTRIBUTE.unpack_from(data, position)
        value = data[position + 4 : position + 4 + size]
        if len(value) != size:
            return None
        if attribute == _FINGERPRINT:
            if size != 4 or int.from_bytes(value, "big") != _fingerprint(data[:position]):
                return None
        elif integrity:
            pass  # what follows MESSAGE-INTEGRITY is not authenticated (RFC 8489 section 14.5)
        elif attribute == _MESSAGE_INTEGRITY:
            signed_size, integrity = position, value
        elif attribute == _USERNAME:
            username = value
        elif attribute == _USE_CANDIDATE:
            use_candidate = True
        elif attribute == _ICE_CONTROLLED:
            controlled = True
        position += 4 + (size + 3) // 4 * 4
    if not username or len(integrity) != 20:
        return None
    return BindingRequest(transaction_id, username, use_candidate, controlled, signed_size, integrity, data)


def pack_binding_success(request: BindingRequest, *, address: Address, pwd: str) -> bytes:
    """Answer a request with the address that it came from."""
    mapped = _attribute(_XOR_MAPPED_ADDRESS, _xor_address(address, request.transaction_id))
    return _sign(_BINDING_SUCCESS, request.transaction_id, mapped, pwd)


def pack_role_conflict(request: BindingRequest, *, pwd: str) -> bytes:
    """Answer a request of an agent that is controlled as well (RFC 8445 section 7.3.1.1)."""
    error = _attribute(_ERROR_CODE, b"\0\0\x04\x57Role Conflict")
    return _sign(_BINDING_ERROR, request.transaction_id, error, pwd)


def pack_binding_request(
    transaction_id: bytes, *, username: str, pwd: str, use_candidate: bool = True
) -> bytes:
    """Build the request of a controlling agent (for load generators and tests)."""
    body = _attribute(_USERNAME, username.encode())
    if use_candidate:
        body += _attribute(_USE_CANDIDATE, b"")
    return _sign(_BINDING_REQUEST, transaction_id, body, pwd)


def _sign(kind: int, transaction_id: bytes, body: bytes, pwd: str) -> bytes:
    message = _HEADER.pack(kind, len(body) + _INTEGRITY_SIZE, _COOKIE, transaction_id) + body
    message += _attribute(_MESSAGE_INTEGRITY, hmac.digest(pwd.encode(), message, "sha1"))
    return _with_length(message, extra=8) + _attribute(_FINGERPRINT, _fingerprint(message).to_bytes(4, "big"))


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value.ljust((len(value) + 3) // 4 * 4, b"\0")


def _with_length(message: bytes, *, extra: int) -> bytes:
    return message[:2] + (len(message) - 20 + extra).to_bytes(2, "big") + message[4:]


def _fingerprint(message: bytes) -> int:
    return binascii.crc32(_with_length(message, extra=8)) ^ _FINGERPRINT_XOR


def _xor_address(address: Address, transaction_id: bytes) -> bytes:
    ip = ipaddress.ip_address(address[0])
    mask = _COOKIE.to_bytes(4, "big") + transaction_id
    host = bytes(a ^ b for a, b in zip(ip.packed, mask, strict=False))
    family = 1 if ip.version == 4 else 2
    return bytes((0, family)) + (address[1] ^ (_COOKIE >> 16)).to_bytes(2, "big") + host

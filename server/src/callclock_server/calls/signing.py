"""Signs records with Ed25519 (RFC 8032), so that whoever has the public key can tell an altered one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callclock_server.domain.canonical import canonical, exact

from .answers import View

ALGORITHM = "Ed25519"
SEED_BYTES = 32
# What is signed begins with what it is: a signature over one thing never passes for one over another.
RECORD_PREFIX = b"callclock-record-v1\n"
CSV_PREFIX = b"callclock-record-csv-v1\n"


class RecordSigner:
    """Signs with the first of the keys; the public halves of all are told. A key is 32 secret bytes."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._private = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self._ids = [key_id(_public(private)) for private in self._private]

    def sign_record(self, record: View) -> View:
        """Return `{record, signature}`; the numbers of the record are rounded to microseconds."""
        told = exact(record)
        return {"record": told, "signature": self._sign(RECORD_PREFIX + canonical(told))}

    def sign_csv(self, text: str) -> str:
        """Return the value of the header that goes with a record as CSV."""
        signature = self._sign(CSV_PREFIX + text.encode())
        return "; ".join(f"{name}={value}" for name, value in signature.items())

    def public_keys(self) -> View:
        """Return a JWK Set (RFC 7517, RFC 8037) of the keys that records may be signed with."""
        keys = [
            {"kty": "OKP", "crv": ALGORITHM, "use": "sig", "kid": kid, "x": _base64url(_public(private))}
            for kid, private in zip(self._ids, self._private, strict=True)
        ]
        return {"keys": keys}

    def _sign(self, message: bytes) -> View:
        value = _base64url(self._private[0].sign(message))
        return {"algorithm": ALGORITHM, "key_id": self._ids[0], "value": value}


def key_id(public_key: bytes) -> str:
    """Return the JWK thumbprint of a key (RFC 7638): it names the key and proves to be its name."""
    jwk = f'{{"crv":"{ALGORITHM}","kty":"OKP","x":"{_base64url(public_key)}"}}'
    return _base64url(hashlib.sha256(jwk.encode()).digest())


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Tells whether a session's record is what the server signed.

    keys = client.record_keys()                  # once; keep them
    record = call.record(session_id)
    records.verify(record, keys)                 # raises SignatureError when anything was altered

A record that was stored as JSON is verified without a server: `verify(json.load(file), keys)`, where the file
holds the whole answer, `{"record": ..., "signature": ...}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from callclock.errors import SignatureError
from callclock.models import RecordSignature, SessionRecord, SignedCsv

__all__ = ["canonical", "verify", "verify_csv"]

_ALGORITHM = "Ed25519"
_RECORD_PREFIX = b"callclock-record-v1\n"
_CSV_PREFIX = b"callclock-record-csv-v1\n"
_MILLIONTHS = 1_000_000
_MOST_MILLIONTHS = 2**53 - 1

Keys = Mapping[str, Any]


def verify(record: SessionRecord | Mapping[str, Any], keys: Keys) -> str:
    """Return the id of the key that signed the record, as it is. Raises `SignatureError` otherwise.

    `record` is what `call.record` returned, or the server's answer as JSON. `keys` is a JWK Set, as
    `client.record_keys` returns it: keys from the server prove that nobody altered the record on its way;
    keys that were kept from before prove that nobody altered it since, the server included.
    """
    document: Any
    if isinstance(record, SessionRecord):
        document, signature = record.document, record.signature
    else:
        document, signature = record.get("record"), _signature_of(record.get("signature"))
    if not isinstance(document, Mapping) or signature is None:
        raise SignatureError("There is no signature with the record.")
    try:
        signed = canonical(document)
    except (ValueError, UnicodeEncodeError) as exc:
        raise SignatureError(f"The record cannot have been signed: {exc}.") from exc
    return _verify(_RECORD_PREFIX + signed, signature, keys)


def verify_csv(record: SignedCsv | str, keys: Keys, *, signature: str | None = None) -> str:
    """The same for a record as CSV, byte by byte.

    A text needs `signature`, the value of the header `X-Callclock-Record-Signature` that came with it.
    """
    if isinstance(record, SignedCsv):
        text, signature = record.text, record.signature
    else:
        text = record
    pairs = (part.strip().partition("=") for part in (signature or "").split(";"))
    found = _signature_of({name: value for name, _, value in pairs})
    if found is None:
        raise SignatureError("There is no signature with the record.")
    return _verify(_CSV_PREFIX + text.encode(), found, keys)


def canonical(value: Any) -> bytes:
    """The form in which a record is signed: RFC 8785, but with each number as its whole number of millionths.

    Raises `ValueError` for what has no such form.
    """
    return _text(value).encode()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return str(_millionths(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return f"{{{','.join(f'{_text(key)}:{_text(value[key])}' for key in keys)}}}"
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def _millionths(number: float) -> int:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{number!r} is not a number")
    scaled = number * _MILLIONTHS if isinstance(number, int) else round(number * _MILLIONTHS)
    if abs(scaled) > _MOST_MILLIONTHS:
        raise ValueError(f"{number!r} is too large")
    if scaled / _MILLIONTHS != number:
        raise ValueError(f"{number!r} is no whole number of millionths")
    return scaled


def _signature_of(value: Any) -> RecordSignature | None:
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(name) for name in ("algorithm", "key_id", "value")]
    if not all(isinstance(part, str) for part in parts):
        return None
    return RecordSignature(algorithm=str(parts[0]), key_id=str(parts[1]), value=str(parts[2]))


def _verify(message: bytes, signature: RecordSignature, keys: Keys) -> str:
    if signature.algorithm != _ALGORITHM:
        raise SignatureError(f"The signature is of an unknown kind, {signature.algorithm!r}.")
    public = _public_key(signature.key_id, keys)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(_from_base64url(signature.value), message)
    except (InvalidSignature, ValueError) as exc:
        raise SignatureError("The record was altered after it was signed, or the signature was.") from exc
    return signature.key_id


def _public_key(key_id: str, keys: Keys) -> bytes:
    """The key of that name, which is its thumbprint (RFC 7638): no other key can take the name."""
    for jwk in keys.get("keys", ()):
        x = str(jwk.get("x"))
        if jwk.get("kid") != key_id or (jwk.get("kty"), jwk.get("crv")) != ("OKP", _ALGORITHM):
            continue
        thumbprint = hashlib.sha256(f'{{"crv":"{_ALGORITHM}","kty":"OKP","x":"{x}"}}'.encode()).digest()
        if base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode() == key_id:
            return _from_base64url(x)
    raise SignatureError(f"The record is signed with the key {key_id!r}, which is not among those given.")


def _from_base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as exc:
        raise ValueError("not base64url") from exc

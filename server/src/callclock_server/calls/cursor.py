"""Opaque cursors of lists: where the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from callclock_server.domain.errors import InvalidCursor, InvalidInput

MOST = 100


def page_size(limit: int) -> int:
    """Return `limit` if it is 1 to 100."""
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"must be from 1 to {MOST}.", field="limit")
    return limit


def encode_cursor(kind: str, *values: Any) -> str:
    """Return the cursor of a list of this kind after the given sort values."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *values])).decode().rstrip("=")


def decode_cursor(cursor: str, kind: str, *types: type) -> list[Any]:
    """Return the values of a cursor; raises InvalidCursor for one of another list, or none of ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as exc:
        raise InvalidCursor(field="next") from exc
    if not isinstance(values, list) or len(values) != len(types) + 1 or values[0] != kind:
        raise InvalidCursor(field="next")
    if not all(type(value) is expected for value, expected in zip(values[1:], types, strict=True)):
        raise InvalidCursor(field="next")
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise InvalidCursor(field="next")  # no database takes it
    return values[1:]

"""Bytes and JSON: the formats that every answer shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.responses import Response

JSON = "application/json"


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, `2026-11-23T13:00:00.123456Z` (design rule 9)."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def dump(value: Any) -> bytes:
    """JSON bytes. A time is written in UTC; a naive one is a fault of ours."""
    return orjson.dumps(value, default=_encode, option=orjson.OPT_PASSTHROUGH_DATETIME)


def stamp(body: bytes, now: datetime) -> bytes:
    """Put `server_time` in front of the members of a JSON object that has none yet."""
    return b'{"server_time":"%b"%b%b' % (wire_time(now).encode(), b"" if body == b"{}" else b",", body[1:])


def stamped_response(body: bytes, *, now: datetime, status: int = 200) -> Response:
    """Answer with a JSON object, stamped with the server's time."""
    return Response(stamp(body, now), status_code=status, media_type=JSON)


def _encode(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return wire_time(value)
    raise TypeError(f"{type(value).__name__} is not JSON that may leave the server")

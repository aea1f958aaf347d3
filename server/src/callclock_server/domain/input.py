"""Values that come from outside: times, custom data, keys of objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from . import errors

CUSTOM_BYTES = 16 * 1024
# A start "now" must survive the way to the server, and a client's clock that is a little slow.
PAST_TOLERANCE = timedelta(seconds=60)


def only_known(data: Mapping[str, Any], known: Collection[str], *, field: str = "") -> None:
    """Refuse keys that are not known; `field` is the path of `data` in the request."""
    prefix = f"{field}." if field else ""
    faults = [
        errors.FieldError(f"{prefix}{key}", f"{key} is not known.", "unknown-field")
        for key in data
        if key not in known
    ]
    if faults:
        raise errors.invalid(faults)


def as_object(value: Any, *, field: str) -> Mapping[str, Any]:
    """Return `value` if it is an object."""
    if not isinstance(value, Mapping):
        raise errors.InvalidInput("must be an object.", field=field)
    return value


def custom_data(value: Any, *, field: str) -> dict[str, Any]:
    """Return `value` if it is an object of at most 16 KiB of JSON."""
    data = dict(as_object(value, field=field))
    try:
        size = len(orjson.dumps(data))
    except (orjson.JSONEncodeError, RecursionError) as exc:
        raise errors.InvalidInput("is not JSON.", field=field) from exc
    if size > CUSTOM_BYTES:
        raise errors.InvalidInput(
            f"custom data may take {CUSTOM_BYTES} bytes; this takes {size}.", field=field
        )
    return data


def moment(value: Any, *, field: str) -> datetime:
    """Return a time in UTC from an aware datetime or RFC 3339 text; refuses a time without its offset."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as exc:
            raise errors.InvalidInput("must be a time such as 2026-11-23T13:00:00Z.", field=field) from exc
    if not isinstance(value, datetime):
        raise errors.InvalidInput("must be a time such as 2026-11-23T13:00:00Z.", field=field)
    if value.tzinfo is None:
        raise errors.NaiveTime(field=field)
    try:
        return value.astimezone(UTC)
    except OverflowError as exc:
        raise errors.InvalidInput("is out of range.", field=field) from exc


def coming_moment(value: Any, *, field: str, now: datetime) -> datetime:
    """Return a time that has not passed (by more than a minute)."""
    parsed = moment(value, field=field)
    if parsed < now - PAST_TOLERANCE:
        raise errors.TimeInPast(field=field)
    return parsed


def text(value: Any, *, field: str, most: int) -> str:
    """Return `value` if it is text of 1 to `most` characters that can be stored."""
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise errors.InvalidInput(f"must be text of 1 to {most} characters.", field=field)
    if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in value):
        raise errors.InvalidInput("must not hold control characters.", field=field)
    return value

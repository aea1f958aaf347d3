"""How what the SDK is given becomes paths and bodies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from callclock.models import User

RECORD_KEYS_PATH = "/.well-known/callclock-record-keys.json"
SIGNATURE_HEADER = "X-Callclock-Record-Signature"

UserFields = Mapping[str, Any] | User
Users = Mapping[str, Mapping[str, Any]] | UserFields | Iterable[UserFields]


def path(*segments: str) -> str:
    """`/v1/...` of segments that are escaped one by one. Raises `ValueError` for an empty one."""
    return "/v1/" + "/".join(_segment(each) for each in segments)


def _segment(text: str) -> str:
    if not text:
        raise ValueError("an id is empty")
    # Dots alone would be taken for steps in the folder tree, by us or by a proxy on the way.
    return text.replace(".", "%2E") if set(text) == {"."} else quote(text, safe="@")


def body(**values: Any) -> dict[str, Any]:
    """The values that are given, without those that are None."""
    return {key: value for key, value in values.items() if value is not None}


def to_json(value: Any) -> bytes:
    """Encode a body; times become RFC 3339."""
    return json.dumps(value, default=_plain, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"cannot send a {type(value).__name__}")


def users_by_id(users: tuple[Users, ...]) -> dict[str, dict[str, Any]]:
    """The users of any of the accepted forms, by id. Raises `ValueError` for one without an id."""
    found: dict[str, dict[str, Any]] = {}
    for entry in users:
        for fields in _spread(entry):
            if not fields.get("id"):
                raise ValueError("a user has no id")
            found[str(fields["id"])] = fields
    return found


def _spread(entry: Users) -> list[dict[str, Any]]:
    if isinstance(entry, User):
        return [body(id=entry.id, name=entry.name, role=entry.role, image=entry.image, custom=entry.custom)]
    if isinstance(entry, Mapping):
        if isinstance(entry.get("id"), str):
            return [dict(entry)]
        return [{"id": key, **dict(fields)} for key, fields in entry.items()]
    return [fields for each in entry for fields in _spread(each)]

"""Which ids are accepted."""

from __future__ import annotations

import re

from .errors import InvalidId

_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_USER = re.compile(r"[A-Za-z0-9_.@\-]{1,64}")


def check_name(value: str, *, field: str) -> str:
    """Return `value` if it may name a role, a call type, a call or a device; raise InvalidId otherwise."""
    if not _NAME.fullmatch(value):
        raise InvalidId("1 to 64 of A-Z a-z 0-9 _ . - are accepted.", field=field)
    return value


def check_user_id(value: str, *, field: str) -> str:
    """Return `value` if it may be a user's id; raise InvalidId otherwise."""
    if not _USER.fullmatch(value):
        raise InvalidId("1 to 64 of A-Z a-z 0-9 _ . @ - are accepted.", field=field)
    return value


def cid_of(type: str, id: str) -> str:  # noqa: A002 (the words of the paths)
    """Return the call's cid, after a check of both parts."""
    return f"{check_name(type, field='type')}:{check_name(id, field='id')}"

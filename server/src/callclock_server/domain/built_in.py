"""Roles and call types that every deployment has (design section 4)."""

from __future__ import annotations

from datetime import datetime

from .call import CallType, Role
from .capabilities import CAPABILITIES, in_order
from .settings import Override

ROLES = ("user", "admin", "moderator", "host", "guest")

_TALK = {"join-call", "read-call", "send-audio", "send-video", "screenshare", "create-reaction"}
_LISTEN = {"join-call", "read-call", "create-reaction"}
_LEAD = {
    "create-call",
    "join-backstage",
    "join-ended-call",
    "update-call",
    "update-call-settings",
    "change-max-duration",
    "end-call",
    "mute-users",
    "update-call-permissions",
    "block-users",
    "remove-call-member",
    "start-record-call",
    "stop-record-call",
    "start-broadcast-call",
    "stop-broadcast-call",
    "start-transcription-call",
    "stop-transcription-call",
    "pin-for-everyone",
}
_EVERYTHING = set(CAPABILITIES)


def _grants(*, user: set[str], guest: set[str], lead: set[str]) -> dict[str, list[str]]:
    by_role = {"user": user, "admin": _EVERYTHING, "moderator": lead, "host": lead, "guest": guest}
    return {role: in_order(granted) for role, granted in by_role.items()}


_TYPES: dict[str, tuple[dict[str, list[str]], Override]] = {
    "default": (_grants(user=_TALK | {"create-call"}, guest=_TALK, lead=_TALK | _LEAD), {}),
    "audio_room": (
        _grants(
            user=_LISTEN | {"create-call"},
            guest=_LISTEN,
            lead=(_TALK | _LEAD) - {"send-video", "screenshare"},
        ),
        {"video": {"enabled": False, "camera_default_on": False}, "screensharing": {"enabled": False}},
    ),
    "livestream": (
        _grants(user=_LISTEN, guest=_LISTEN, lead=_TALK | _LEAD),
        {"backstage": {"enabled": True}, "audio": {"mic_default_on": False}},
    ),
    "development": (_grants(user=_EVERYTHING, guest=_TALK, lead=_EVERYTHING), {}),
}


def built_in_roles(*, now: datetime) -> list[Role]:
    """Return the built-in roles, created `now`."""
    return [Role(name=name, built_in=True, created_at=now) for name in ROLES]


def built_in_call_types(*, now: datetime) -> list[CallType]:
    """Return the built-in call types, created `now`; they are open to all whose role may join."""
    return [
        CallType(
            name=name,
            grants=grants,
            settings=settings,
            members_only=False,
            built_in=True,
            created_at=now,
            updated_at=now,
        )
        for name, (grants, settings) in _TYPES.items()
    ]

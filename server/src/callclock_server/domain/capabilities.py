"""Capabilities: what a role may be granted on a call type (design section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CAPABILITIES: dict[str, str] = {
    "join-call": "Join a call, and read it.",
    "read-call": "Read a call's state and follow its events.",
    "create-call": "Create a call.",
    "join-ended-call": "Join a call that has ended, in a new session.",
    "join-backstage": "Join a call before it opens for everybody.",
    "update-call": "Change a call's members, start time and custom data.",
    "update-call-settings": "Override the settings of a call.",
    "change-max-duration": "Extend, shorten or set the time limit of a call.",
    "screenshare": "Share the screen.",
    "send-video": "Send pictures from a camera.",
    "send-audio": "Send sound from a microphone.",
    "end-call": "End the call for everybody.",
    "mute-users": "Mute other participants.",
    "update-call-permissions": "Grant and revoke permissions of participants.",
    "block-users": "Block users from the call.",
    "remove-call-member": "Remove members from the call.",
    "start-record-call": "Start recording.",
    "stop-record-call": "Stop recording.",
    "start-broadcast-call": "Start broadcasting.",
    "stop-broadcast-call": "Stop broadcasting.",
    "start-transcription-call": "Start transcribing.",
    "stop-transcription-call": "Stop transcribing.",
    "create-reaction": "Send reactions.",
    "pin-for-everyone": "Pin a participant for everybody.",
}

ALL = frozenset(CAPABILITIES)
_ORDER = {name: place for place, name in enumerate(CAPABILITIES)}


def derive(granted: Iterable[str]) -> frozenset[str]:
    """Return what was granted and what follows from it.

    `update-call` and `update-call-settings` together imply `change-max-duration`; `join-call` implies
    `read-call`.
    """
    capabilities = set(granted)
    if {"update-call", "update-call-settings"} <= capabilities:
        capabilities.add("change-max-duration")
    if "join-call" in capabilities:
        capabilities.add("read-call")
    return frozenset(capabilities)


def of_roles(grants: Mapping[str, Iterable[str]], *roles: str | None) -> frozenset[str]:
    """Return the union of what `grants` gives to each of `roles`, with what follows from it."""
    granted: set[str] = set()
    for role in roles:
        if role is not None:
            granted.update(grants.get(role, ()))
    return derive(granted)


def in_order(capabilities: Iterable[str]) -> list[str]:
    """Return the capabilities in the order of the list above, so that answers are stable."""
    return sorted(capabilities, key=_ORDER.__getitem__)

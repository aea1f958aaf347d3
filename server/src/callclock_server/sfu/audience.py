"""Whom a publisher lets receive its tracks (the client's own SubscriptionPermission)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.protocol import rtc

if TYPE_CHECKING:
    from callclock_server.sfu.participant import Participant


class Audience:
    """The publisher's present choice; everybody until it says otherwise."""

    def __init__(self) -> None:
        self._everybody = True
        self._whole: set[str] = set()
        self._single: dict[str, set[str]] = {}

    def take(self, permission: rtc.SubscriptionPermission) -> bool:
        """Replace the choice; whether anything changed. Subscribers are named by sid or identity."""
        before = (self._everybody, self._whole, self._single)
        self._everybody = permission.all_participants
        self._whole, self._single = set(), {}
        for entry in permission.track_permissions:
            names = {entry.participant_sid, entry.participant_identity} - {""}
            for name in names:
                if entry.all_tracks:
                    self._whole.add(name)
                else:
                    self._single.setdefault(name, set()).update(entry.track_sids)
        return before != (self._everybody, self._whole, self._single)

    def admits(self, subscriber: Participant, track_sid: str) -> bool:
        """Whether `subscriber` may receive the track."""
        if self._everybody:
            return True
        names = (subscriber.sid, subscriber.identity)
        return any(name in self._whole or track_sid in self._single.get(name, ()) for name in names)

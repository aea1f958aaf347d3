"""All rooms of the server: creation, lookup, and what falls due with time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from livekit.protocol import models, rtc, webhook

from callclock_server.sfu.participant import Participant, State
from callclock_server.sfu.room import Reason, Room, RoomSettings

ROOM_NOT_FOUND = "requested room does not exist"
"""livekit-client looks for exactly this sentence to tell a missing room from a missing path."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server waits for a client, in seconds."""

    signal_lost: float = 30.0
    """Without signalling, while media still flows."""
    media_lost: float = 10.0
    """Without media after it was connected, while signalling is open."""
    media_never: float = 30.0
    """From the join to the first media connection."""


class Rooms:
    """The rooms by name."""

    def __init__(
        self,
        *,
        now: Callable[[], float],
        notify: Callable[[webhook.WebhookEvent], None],
        patience: Patience | None = None,
    ) -> None:
        self._now = now
        self._notify = notify
        self._patience = patience or Patience()
        self._rooms: dict[str, Room] = {}

    def create(self, settings: RoomSettings) -> Room:
        """Make a room; one of that name that exists already is returned as it is."""
        room = self._rooms.get(settings.name)
        if room is None:
            room = self._rooms[settings.name] = Room(settings, now=self._now, notify=self._notify)
        return room

    def get(self, name: str) -> Room | None:
        """The room of this name."""
        return self._rooms.get(name)

    def all(self, names: Iterable[str] = ()) -> list[Room]:
        """Every room, or those of the given names that exist."""
        wanted = set(names)
        return [room for room in self._rooms.values() if not wanted or room.name in wanted]

    def delete(self, name: str, *, reason: models.DisconnectReason = Reason.ROOM_DELETED) -> bool:
        """Close a room and send everybody away; False when there is none."""
        room = self._rooms.pop(name, None)
        if room is not None:
            room.close(reason)
        return room is not None

    def close(self) -> None:
        """Close everything: the server stops. Clients are asked to come back."""
        for room in self.all():
            room.close(Reason.SERVER_SHUTDOWN, action=rtc.LeaveRequest.Action.RECONNECT)
        self._rooms.clear()

    def update_speakers(self) -> None:
        """Tell every room who speaks."""
        for room in self.all():
            room.update_speakers()

    def update_quality(self) -> None:
        """Tell every room how well its participants are connected."""
        for room in self.all():
            room.update_quality()

    def tick(self, *, now: float) -> list[Participant]:
        """Remove lost participants and expired rooms; returns those whose token is due for renewal."""
        due: list[Participant] = []
        for room in self.all():
            kept = [p for p in room.participants if not self._dismiss_if_lost(p, now=now)]
            due += [participant for participant in kept if participant.refresh_at <= now]
            if room.expired(now=now):
                self.delete(room.name, reason=Reason.ROOM_CLOSED)
        return due

    def _dismiss_if_lost(self, participant: Participant, *, now: float) -> bool:
        loss = self._loss(participant, now=now)
        if loss is None:
            return False
        # A client that still has signalling shall come back with fresh connections.
        again = participant.was_active
        actions = rtc.LeaveRequest.Action
        participant.leave_with(loss, actions.RECONNECT if again else actions.DISCONNECT)
        participant.room.remove(participant, reason=loss)
        return True

    def _loss(self, participant: Participant, *, now: float) -> models.DisconnectReason | None:
        signal, media = participant.signal_lost_at, participant.media_lost_at
        if signal is not None and participant.state == State.ACTIVE and media is not None:
            return Reason.CONNECTION_TIMEOUT
        if signal is not None and now - signal >= self._patience.signal_lost:
            return Reason.SIGNAL_CLOSE
        limit = self._patience.media_lost if participant.was_active else self._patience.media_never
        if media is not None and now - media >= limit:
            return Reason.CONNECTION_TIMEOUT
        return None

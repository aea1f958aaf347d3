"""One participant of a room: identity, permissions, state, and its ties to signalling and media.

Lifecycle: JOINING -> JOINED (join response queued) -> ACTIVE (media connected) -> DISCONNECTED.
The signalling socket may come and go meanwhile (resume); what is sent without a socket is dropped,
because a resume tells the client everything anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from livekit.protocol import models, rtc

from callclock_server.sfu.audience import Audience
from callclock_server.sfu.connection_quality import QualityMeter
from callclock_server.sfu.data import RELIABLE, stamped
from callclock_server.sfu.ids import new_sid
from callclock_server.sfu.join import JoinParameters
from callclock_server.sfu.media import MediaPort
from callclock_server.sfu.negotiation import Negotiation
from callclock_server.sfu.negotiation_v0 import TwoConnections
from callclock_server.sfu.negotiation_v1 import OneConnection
from callclock_server.sfu.publishing import Publishing
from callclock_server.sfu.signal_socket import NORMAL, SignalSocket
from callclock_server.sfu.subscribing import Subscribing
from callclock_server.sfu.tokens import REFRESHED_TTL_SECONDS, Grants, refresh_due_at

if TYPE_CHECKING:
    from callclock_server.sfu.room import Room

State = models.ParticipantInfo.State


class Participant:
    """A participant and everything it owns. `now` values are Unix seconds."""

    def __init__(
        self, room: Room, grants: Grants, parameters: JoinParameters, *, media: MediaPort, now: float
    ) -> None:
        self.room = room
        self.grants = grants
        self.sid = new_sid("PA_")
        self.identity = grants.identity
        self.name = grants.name
        self.metadata = parameters.metadata or grants.metadata
        self.attributes = {**grants.attributes, **parameters.attributes}
        self.client = parameters.client
        self.state: State = State.JOINING
        self.reason: models.DisconnectReason = models.DisconnectReason.UNKNOWN_REASON
        self.joined_at = now
        self.was_active = False
        self.signal_lost_at: float | None = None
        self.media_lost_at: float | None = now
        self.refresh_at = refresh_due_at(grants, now=now)
        self.last_reliable_sequence = 0
        self.single_connection = parameters.single_connection
        self.audience = Audience()
        self.quality: models.ConnectionQuality | None = None
        self._meter = QualityMeter()
        self._socket: SignalSocket | None = None
        self._version = 1
        self.publishing = Publishing(self)
        self.subscribing = Subscribing(
            self, auto_subscribe=parameters.auto_subscribe, changed=self._subscriptions_changed
        )
        self.negotiation: Negotiation = (
            OneConnection(self, media) if parameters.single_connection else TwoConnections(self, media)
        )

    @property
    def present(self) -> bool:
        """Whether the participant has joined and not left."""
        return self.state in (State.JOINED, State.ACTIVE)

    @property
    def visible(self) -> bool:
        """Whether other participants learn of it."""
        return not self.grants.hidden

    def info(self) -> models.ParticipantInfo:
        """The participant as told to clients, the room API and webhooks."""
        tracks = [publication.info for publication in self.publishing.live]
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            state=self.state,
            tracks=tracks,
            metadata=self.metadata,
            joined_at=int(self.joined_at),
            joined_at_ms=int(self.joined_at * 1000),
            name=self.name,
            version=self._version,
            permission=self.grants.permission(),
            is_publisher=bool(tracks),
            kind=self.grants.kind,
            attributes=self.attributes,
            disconnect_reason=self.reason,
            client_protocol=self.client.client_protocol,
        )

    def touch(self) -> None:
        """Count a change; clients ignore infos that are not newer than what they have."""
        self._version += 1

    def send(self, **message: Any) -> None:
        """Queue one SignalResponse, its one field given by name; dropped without a socket."""
        if self._socket is not None:
            self._socket.send(rtc.SignalResponse(**message))

    def attach(self, socket: SignalSocket) -> None:
        """Use a new signalling socket; a former one is closed."""
        former, self._socket = self._socket, socket
        self.signal_lost_at = None
        if former is not None:
            former.close(NORMAL)

    def detach(self, socket: SignalSocket, *, now: float) -> None:
        """Note that a socket is gone; one that was replaced before does not matter."""
        if self._socket is socket:
            self._socket = None
            self.signal_lost_at = now

    def on_media_state(self, state: str) -> None:
        """Take a state of the deciding peer: "connected", "disconnected" or "closed"."""
        if not self.present:
            return
        if state == "connected":
            self.media_lost_at = None
            if self.state != State.ACTIVE:
                self.state = State.ACTIVE
                self.touch()
                self.room.became_active(self)
        elif self.media_lost_at is None:
            self.media_lost_at = self.room.now()

    def on_data(self, label: str, payload: bytes) -> None:
        """Take a message from a data channel of the client and pass it on where it may go."""
        if not self.present or not self.grants.can_publish_data:
            return
        shown_identity, shown_sid = (self.identity, self.sid) if self.visible else ("", "")
        packet = stamped(payload, label=label, identity=shown_identity, sid=shown_sid)
        if packet is None:
            return
        if label == RELIABLE and packet.sequence:
            self.last_reliable_sequence = packet.sequence
        self.room.send_data(packet, sender_sid=self.sid)

    def current_grants(self) -> Grants:
        """The grants with the present name, metadata and attributes, for a renewed token."""
        return replace(self.grants, name=self.name, metadata=self.metadata, attributes=dict(self.attributes))

    def renewed(self, *, now: float) -> None:
        """Note that the client has a token that is valid for longer."""
        expires_at = max(self.grants.expires_at, now + REFRESHED_TTL_SECONDS)
        self.grants = replace(self.grants, expires_at=expires_at)
        self.refresh_at = refresh_due_at(self.grants, now=now)

    def audio_level(self) -> float:
        """The loudest of its microphones, 0..1."""
        ups = [p.up for p in self.publishing.live if p.kind == "audio" and not p.info.muted]
        return max((up.audio_level() for up in ups if up is not None), default=0.0)

    def measure_quality(self) -> bool:
        """Grade the connection anew; whether the grade changed."""
        before = self.quality
        self.quality = self._meter.read([peer.stats() for peer in self.negotiation.peers])
        return before != self.quality

    def leave_with(
        self,
        reason: models.DisconnectReason,
        action: rtc.LeaveRequest.Action = rtc.LeaveRequest.Action.DISCONNECT,
    ) -> None:
        """Tell the client to leave and close its socket."""
        reconnect = action != rtc.LeaveRequest.Action.DISCONNECT
        self.send(leave=rtc.LeaveRequest(can_reconnect=reconnect, reason=reason, action=action))
        self.hang_up()

    def hang_up(self) -> None:
        """Close the signalling socket after what is queued."""
        if self._socket is not None:
            self._socket.close(NORMAL)

    def close(self, reason: models.DisconnectReason) -> None:
        """End media at once. The room removes and announces."""
        self.state = State.DISCONNECTED
        self.reason = reason
        self.publishing.end_all()
        self.subscribing.end_all()
        self.negotiation.close()

    def _subscriptions_changed(self) -> None:
        if self.present:
            self.negotiation.changed()

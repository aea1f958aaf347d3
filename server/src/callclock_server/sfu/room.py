"""One room: who is in it, what is published, and who is told of what.

All methods are synchronous and run on one event loop, so a room is never seen half changed. Messages
only go into queues; nothing here waits for a client. Hidden participants receive everything and are
told to nobody but themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from livekit.protocol import models, rtc, webhook

from callclock_server.sfu.connection_quality import score
from callclock_server.sfu.data import label_of, recipients
from callclock_server.sfu.ids import new_sid
from callclock_server.sfu.participant import Participant, State
from callclock_server.sfu.publishing import Publication
from callclock_server.sfu.speakers import SpeakerBoard

Reason = models.DisconnectReason

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """How a room was asked for. Timeouts in seconds; 0 participants means no limit."""

    name: str
    metadata: str = ""
    empty_timeout: int = 300
    departure_timeout: int = 20
    max_participants: int = 0


class Room:
    """A room with its participants."""

    def __init__(
        self,
        settings: RoomSettings,
        *,
        now: Callable[[], float],
        notify: Callable[[webhook.WebhookEvent], None],
    ) -> None:
        self.settings = settings
        self.sid = new_sid("RM_")
        self.metadata = settings.metadata
        self.created_at = now()
        self.now = now
        self.closed = False
        self._notify = notify
        self._participants: dict[str, Participant] = {}
        self._speakers = SpeakerBoard()
        self._empty_since = self.created_at
        self._ever_joined = False
        self._revoked: dict[str, int] = {}
        self._emit("room_started")

    @property
    def name(self) -> str:
        """The room's name, its key in the API and in tokens."""
        return self.settings.name

    @property
    def participants(self) -> list[Participant]:
        """Everybody present, in the order of joining."""
        return list(self._participants.values())

    def info(self) -> models.Room:
        """The room as told to clients, the room API and webhooks."""
        visible = [p for p in self._participants.values() if p.visible]
        return models.Room(
            sid=self.sid,
            name=self.name,
            empty_timeout=self.settings.empty_timeout,
            departure_timeout=self.settings.departure_timeout,
            max_participants=self.settings.max_participants,
            creation_time=int(self.created_at),
            creation_time_ms=int(self.created_at * 1000),
            metadata=self.metadata,
            num_participants=len(visible),
            num_publishers=sum(bool(p.publishing.live) for p in visible),
        )

    def participant(self, identity: str) -> Participant | None:
        """The participant of this identity."""
        return self._participants.get(identity)

    def publications(self) -> list[Publication]:
        """Every live track of the room."""
        return [live for p in self._participants.values() for live in p.publishing.live]

    def publication(self, sid: str) -> Publication | None:
        """One live track."""
        return next((live for live in self.publications() if live.sid == sid), None)

    def has_place_for(self, identity: str) -> bool:
        """Whether one more may join; a participant that replaces itself needs no place."""
        limit = self.settings.max_participants
        return not limit or identity in self._participants or len(self._participants) < limit

    def others(self, participant: Participant) -> list[models.ParticipantInfo]:
        """The other visible participants with their tracks."""
        return [p.info() for p in self._participants.values() if p is not participant and p.visible]

    def admit(self, participant: Participant) -> None:
        """Let a participant in; an earlier one of the same identity is evicted first."""
        former = self._participants.get(participant.identity)
        if former is not None:
            former.leave_with(Reason.DUPLICATE_IDENTITY)
            self.remove(former, reason=Reason.DUPLICATE_IDENTITY)
        self._ever_joined = True
        self._participants[participant.identity] = participant
        participant.state = State.JOINED

    def announce(self, participant: Participant) -> None:
        """Tell the others of a newcomer and start its subscriptions, after its join response."""
        self.participant_changed(participant, but=participant)
        participant.subscribing.reconcile_all()
        speaking = self._speakers.speaking()
        if speaking:
            participant.send(speakers_changed=rtc.SpeakersChanged(speakers=speaking))
        self._tell_quality([participant], [p for p in self._participants.values() if p.visible])

    def became_active(self, participant: Participant) -> None:
        """Media of a participant is connected for the first time."""
        participant.was_active = True
        self.participant_changed(participant)
        self._emit("participant_joined", participant=participant)

    def remove(self, participant: Participant, *, reason: models.DisconnectReason) -> None:
        """Take a participant out and tell the others; one that is out already is left alone."""
        if self._participants.get(participant.identity) is not participant:
            return
        del self._participants[participant.identity]
        ended = participant.publishing.live
        for other in self._participants.values():
            for publication in ended:
                other.subscribing.drop(publication)
                other.subscribing.forget(publication.sid)
        last = participant.info()
        participant.close(reason)
        last.state, last.disconnect_reason = State.DISCONNECTED, reason
        last.version += 1
        if participant.visible:
            gone = models.ParticipantInfo()
            gone.CopyFrom(last)
            gone.ClearField("tracks")
            self._tell(self._participants.values(), [gone])
        self._empty_since = self.now()
        for publication in ended:
            self._emit("track_unpublished", participant=participant, track=publication.info)
        event = "participant_left" if participant.was_active else "participant_connection_aborted"
        self._emit(event, participant=participant, info=last)

    def participant_changed(self, participant: Participant, *, but: Participant | None = None) -> None:
        """Tell everybody who may know of a participant what it is now."""
        if not participant.present:
            return
        audience = self._participants.values() if participant.visible else [participant]
        self._tell((listener for listener in audience if listener is not but), [participant.info()])

    def track_published(self, publication: Publication) -> None:
        """Announce a live track, then subscribe those who want it."""
        self.participant_changed(publication.owner)
        self._emit("track_published", participant=publication.owner, track=publication.info)
        for other in self._participants.values():
            other.subscribing.reconcile(publication)

    def track_unpublished(self, publication: Publication) -> None:
        """Stop a track everywhere, then announce that it is gone."""
        for other in self._participants.values():
            other.subscribing.drop(publication)
            other.subscribing.forget(publication.sid)
        self.participant_changed(publication.owner)
        self._emit("track_unpublished", participant=publication.owner, track=publication.info)

    def track_subscribed(self, publication: Publication) -> None:
        """Tell the owner of a track that it has its first subscriber."""
        if not publication.was_subscribed:
            publication.was_subscribed = True
            publication.owner.send(track_subscribed=rtc.TrackSubscribed(track_sid=publication.sid))

    def audience_changed(self, owner: Participant) -> None:
        """Reconcile everybody with the owner's new choice of subscribers."""
        for publication in owner.publishing.live:
            for other in self._participants.values():
                other.subscribing.reconcile(publication)

    def set_metadata(self, metadata: str) -> None:
        """Change the room's metadata and tell everybody."""
        self.metadata = metadata
        update = rtc.RoomUpdate(room=self.info())
        for participant in self._participants.values():
            participant.send(room_update=update)

    def send_data(self, packet: models.DataPacket, *, sender_sid: str = "") -> None:
        """Pass a data packet to those it is for."""
        present = [(p.sid, p.identity) for p in self._participants.values() if p.present]
        chosen = recipients(packet, present, sender_sid=sender_sid)
        payload = packet.SerializeToString()
        label = label_of(packet.kind)
        for participant in self.participants:
            if participant.sid in chosen:
                participant.negotiation.send_data(label, payload)

    def update_speakers(self) -> None:
        """Tell who began and who stopped speaking since the last call."""
        levels = {p.sid: p.audio_level() for p in self._participants.values() if p.visible}
        changes = self._speakers.update(levels)
        if changes:
            update = rtc.SpeakersChanged(speakers=changes)
            for participant in self._participants.values():
                participant.send(speakers_changed=update)

    def update_quality(self) -> None:
        """Grade every connection and tell what changed since the last call."""
        active = [p for p in self._participants.values() if p.state == State.ACTIVE]
        changed = [p for p in active if p.measure_quality() and p.visible]
        self._tell_quality(self._participants.values(), changed)

    def revoke(self, identity: str, *, issued_before: int) -> None:
        """Refuse tokens of an identity that were issued before this time (Unix seconds)."""
        self._revoked[identity] = issued_before

    def is_revoked(self, identity: str, *, issued_at: float) -> bool:
        """Whether a token of that age is refused."""
        return issued_at < self._revoked.get(identity, 0)

    def expired(self, *, now: float) -> bool:
        """Whether the room has been empty for longer than it may be."""
        if self._participants:
            return False
        patience = self.settings.departure_timeout if self._ever_joined else self.settings.empty_timeout
        return now - self._empty_since >= patience

    def close(
        self,
        reason: models.DisconnectReason,
        *,
        action: rtc.LeaveRequest.Action = rtc.LeaveRequest.Action.DISCONNECT,
    ) -> None:
        """Send everybody away, messages first, so that no one waits for another's teardown."""
        if self.closed:
            return
        self.closed = True
        leaving = self.participants
        for participant in leaving:
            participant.leave_with(reason, action)
        for participant in leaving:
            self.remove(participant, reason=reason)
        self._emit("room_finished")
        _log.info("room %r closed", self.name)

    def _tell(self, listeners: Iterable[Participant], infos: list[models.ParticipantInfo]) -> None:
        update = rtc.ParticipantUpdate(participants=infos)
        for listener in listeners:
            listener.send(update=update)

    def _tell_quality(self, listeners: Iterable[Participant], graded: Iterable[Participant]) -> None:
        infos = [
            rtc.ConnectionQualityInfo(participant_sid=p.sid, quality=p.quality, score=score(p.quality))
            for p in graded
            if p.quality is not None
        ]
        if infos:
            update = rtc.ConnectionQualityUpdate(updates=infos)
            for listener in listeners:
                listener.send(connection_quality=update)

    def _emit(
        self,
        event: str,
        *,
        participant: Participant | None = None,
        info: models.ParticipantInfo | None = None,
        track: models.TrackInfo | None = None,
    ) -> None:
        known = info or (participant.info() if participant is not None else None)
        self._notify(webhook.WebhookEvent(event=event, room=self.info(), participant=known, track=track))

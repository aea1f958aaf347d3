"""What a client may ask over signalling: one function per kind of SignalRequest.

Unknown kinds are ignored: newer clients send things that this server does not serve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livekit.protocol import models, rtc

from callclock_server.sfu.participant import Participant
from callclock_server.sfu.room import Reason
from callclock_server.sfu.subscribing import TrackSettings

MAX_METADATA_BYTES = 64 * 1024
MAX_NAME_LENGTH = 256

_Outcome = rtc.RequestResponse.Reason


def handle(participant: Participant, request: rtc.SignalRequest) -> None:
    """Serve one request of a participant that is present.

    Raises `ProtocolViolation` for descriptions that cannot be used.
    """
    kind = request.WhichOneof("message")
    serve = _SERVED.get(kind or "")
    if serve is not None and kind is not None and participant.present:
        serve(participant, getattr(request, kind))


def sync(participant: Participant, state: rtc.SyncState) -> None:
    """Take what a resuming client believes; a track that only the client knows ends the resume."""
    known = all(participant.publishing.knows(entry.track.sid) for entry in state.publish_tracks)
    if not known:
        participant.leave_with(Reason.STATE_MISMATCH, rtc.LeaveRequest.Action.RECONNECT)
        participant.room.remove(participant, reason=Reason.STATE_MISMATCH)
        return
    subscribing = participant.subscribing
    subscribing.set_settings(state.track_sids_disabled, TrackSettings(disabled=True))
    _subscribe(participant, state.subscription)


def update_metadata(
    participant: Participant, *, name: str | None, metadata: str | None, attributes: dict[str, str]
) -> None:
    """Change what is given and tell the room; an attribute set to "" is removed."""
    if name is not None:
        participant.name = name
    if metadata is not None:
        participant.metadata = metadata
    merged = {**participant.attributes, **attributes}
    participant.attributes = {key: value for key, value in merged.items() if value}
    participant.touch()
    participant.room.participant_changed(participant)


def fits(*, name: str, metadata: str, attributes: dict[str, str]) -> bool:
    """Whether name, metadata and attributes are within the limits."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    return len(name) <= MAX_NAME_LENGTH and max(size, len(metadata.encode())) <= MAX_METADATA_BYTES


def _offer(participant: Participant, offer: rtc.SessionDescription) -> None:
    participant.negotiation.on_offer(offer)


def _answer(participant: Participant, answer: rtc.SessionDescription) -> None:
    participant.negotiation.on_answer(answer)


def _add_track(participant: Participant, request: rtc.AddTrackRequest) -> None:
    participant.publishing.request(request)


def _mute(participant: Participant, request: rtc.MuteTrackRequest) -> None:
    participant.publishing.mute(request.sid, request.muted)


def _subscribe(participant: Participant, update: rtc.UpdateSubscription) -> None:
    sids = [*update.track_sids, *(sid for entry in update.participant_tracks for sid in entry.track_sids)]
    participant.subscribing.choose(sids, update.subscribe)


def _track_setting(participant: Participant, update: rtc.UpdateTrackSettings) -> None:
    quality = update.quality if update.quality <= models.VideoQuality.HIGH else models.VideoQuality.LOW
    settings = TrackSettings(disabled=update.disabled, quality=quality, width=update.width)
    participant.subscribing.set_settings(update.track_sids, settings)


def _leave(participant: Participant, request: rtc.LeaveRequest) -> None:
    participant.room.remove(participant, reason=Reason.CLIENT_INITIATED)
    participant.hang_up()


def _subscription_permission(participant: Participant, permission: rtc.SubscriptionPermission) -> None:
    if participant.audience.take(permission):
        participant.room.audience_changed(participant)


def _ping(participant: Participant, timestamp: int) -> None:
    participant.send(pong=int(participant.room.now() * 1000))


def _ping_req(participant: Participant, ping: rtc.Ping) -> None:
    now = int(participant.room.now() * 1000)
    participant.send(pong_resp=rtc.Pong(last_ping_timestamp=ping.timestamp, timestamp=now))


def _update_metadata(participant: Participant, update: rtc.UpdateParticipantMetadata) -> None:
    attributes = dict(update.attributes)
    if not participant.grants.can_update_metadata:
        outcome = _Outcome.NOT_ALLOWED
    elif not fits(name=update.name, metadata=update.metadata, attributes=attributes):
        outcome = _Outcome.LIMIT_EXCEEDED
    else:
        outcome = _Outcome.OK
        update_metadata(
            participant, name=update.name or None, metadata=update.metadata or None, attributes=attributes
        )
    participant.send(request_response=rtc.RequestResponse(request_id=update.request_id, reason=outcome))


def _update_audio_track(participant: Participant, update: rtc.UpdateLocalAudioTrack) -> None:
    for publication in participant.publishing.live:
        if publication.sid == update.track_sid:
            del publication.info.audio_features[:]
            publication.info.audio_features.extend(update.features)
            participant.touch()
            participant.room.participant_changed(participant)


def _update_video_track(participant: Participant, update: rtc.UpdateLocalVideoTrack) -> None:
    for publication in participant.publishing.live:
        if publication.sid == update.track_sid:
            publication.info.width, publication.info.height = update.width, update.height
            participant.touch()
            participant.room.participant_changed(participant)


def _publish_data_track(participant: Participant, request: rtc.PublishDataTrackRequest) -> None:
    # Answered, because clients wait for it: data tracks are not served.
    participant.send(
        request_response=rtc.RequestResponse(
            reason=_Outcome.UNSUPPORTED_TYPE, message="data tracks are not served", publish_data_track=request
        )
    )


_SERVED: dict[str, Callable[[Participant, Any], None]] = {
    "offer": _offer,
    "answer": _answer,
    "add_track": _add_track,
    "mute": _mute,
    "subscription": _subscribe,
    "track_setting": _track_setting,
    "leave": _leave,
    "subscription_permission": _subscription_permission,
    "sync_state": sync,
    "ping": _ping,
    "ping_req": _ping_req,
    "update_metadata": _update_metadata,
    "update_audio_track": _update_audio_track,
    "update_video_track": _update_video_track,
    "publish_data_track_request": _publish_data_track,
}

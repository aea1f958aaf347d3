"""What one participant publishes, from AddTrack to the end of the track.

Lifecycle of a `Publication`: requested (AddTrack answered, no media section yet) -> live (its section
was matched in an offer; announced to the room) -> ended. A publication whose source is not granted
never becomes requested; one that loses its grant is cut at once: packets are dropped first, then
everybody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from callclock_server.sfu.ids import new_sid
from callclock_server.sfu.media import Kind, UpTrack
from callclock_server.sfu.sdp import Section

if TYPE_CHECKING:
    from callclock_server.sfu.participant import Participant

MAX_PUBLICATIONS = 32
"""Per participant; requested and live."""
MAX_NAME_LENGTH = 256
MAX_LIST_LENGTH = 16
"""Of what an AddTrack may say: all of it is told to the whole room."""

_KINDS: dict[int, Kind] = {models.TrackType.AUDIO: "audio", models.TrackType.VIDEO: "video"}


class Publication:
    """One published track."""

    def __init__(self, owner: Participant, request: rtc.AddTrackRequest) -> None:
        self.owner = owner
        self.info = track_info(request)
        self.cids = {request.cid, *(codec.cid for codec in request.simulcast_codecs)} - {""}
        self.preferred_codec = request.simulcast_codecs[0].codec if request.simulcast_codecs else ""
        self.up: UpTrack | None = None
        self.sdp_track_id = ""
        self.was_subscribed = False
        self._release: Callable[[], None] | None = None

    @property
    def sid(self) -> str:
        """The track's sid, TR_..."""
        return self.info.sid

    @property
    def kind(self) -> Kind:
        """Audio or video."""
        return _KINDS[self.info.type]

    def go_live(self, up: UpTrack, *, section: Section, mime_type: str, release: Callable[[], None]) -> None:
        """Media of the track arrives as `up` from now on; `release` ends that."""
        self.up = up
        self.sdp_track_id = section.track_id
        self.info.mid = section.mid
        self.info.mime_type = mime_type
        self.info.simulcast = len(section.rids) > 1 or len(section.ssrcs) > 1
        for codec in self.info.codecs[:1]:
            codec.mime_type, codec.mid = mime_type, section.mid
        self._release = release
        up.muted = self.info.muted

    def end(self) -> None:
        """Drop its packets from now on and free its media section."""
        if self.up is not None:
            self.up.muted = True
        if self._release is not None:
            release, self._release = self._release, None
            release()


class Publishing:
    """The publications of one participant."""

    def __init__(self, owner: Participant) -> None:
        self._owner = owner
        self._requested: list[Publication] = []
        self._live: dict[str, Publication] = {}
        self._refused_cids: set[str] = set()

    @property
    def live(self) -> list[Publication]:
        """Announced publications, in the order of their publishing."""
        return list(self._live.values())

    def knows(self, sid: str) -> bool:
        """Whether the track is requested or live."""
        return sid in self._live or any(publication.sid == sid for publication in self._requested)

    def request(self, request: rtc.AddTrackRequest) -> None:
        """Answer an AddTrack: `track_published`, or a `request_response` that says why not."""
        reason = self._refusal(request)
        if reason is not None:
            self._refused_cids.add(request.cid)
            self._owner.send(request_response=rtc.RequestResponse(reason=reason, add_track=request))
            return
        self._refused_cids.discard(request.cid)
        publication = next((p for p in self._requested if request.cid in p.cids), None)
        if publication is None:
            publication = Publication(self._owner, request)
            self._requested.append(publication)
        answer = rtc.TrackPublishedResponse(cid=request.cid, track=publication.info)
        self._owner.send(track_published=answer)

    def match(self, section: Section, kind: Kind) -> Publication | None:
        """The requested publication that a sending section of an offer belongs to.

        The msid names the cid of the AddTrack; where it does not (the track was replaced in
        between), the only request of that kind is taken, unless the cid was refused.
        """
        same_kind = [p for p in self._requested if p.kind == kind]
        for publication in same_kind:
            if section.track_id in publication.cids or section.stream_id in publication.cids:
                return publication
        if section.track_id in self._refused_cids or len(same_kind) != 1:
            return None
        return same_kind[0]

    def went_live(self, publication: Publication) -> None:
        """Move a matched publication to the live ones and announce it."""
        self._requested.remove(publication)
        self._live[publication.sid] = publication
        self._owner.touch()
        self._owner.room.track_published(publication)

    def unpublish(self, publication: Publication, *, tell_owner: bool = False) -> None:
        """End a publication and tell the room; `tell_owner` when it is not the owner's wish."""
        publication.end()
        if publication in self._requested:
            self._requested.remove(publication)
        if tell_owner:
            response = rtc.TrackUnpublishedResponse(track_sid=publication.sid)
            self._owner.send(track_unpublished=response)
        if self._live.pop(publication.sid, None) is not None:
            self._owner.touch()
            self._owner.room.track_unpublished(publication)

    def mute(self, sid: str, muted: bool) -> models.TrackInfo | None:
        """Mute or unmute one track and tell the room; None when there is no such track."""
        everything = [*self._live.values(), *self._requested]
        publication = next((p for p in everything if p.sid == sid), None)
        if publication is None:
            return None
        if publication.info.muted != muted:
            publication.info.muted = muted
            if publication.up is not None:
                publication.up.muted = muted
                if not muted and publication.kind == "video":
                    publication.up.request_keyframe()
            self._owner.touch()
            self._owner.room.participant_changed(self._owner)
        return publication.info

    def enforce(self) -> None:
        """Cut every track whose source is not granted any more."""
        for publication in [*self._live.values(), *self._requested]:
            if not self._owner.grants.may_publish(publication.info.source):
                self.unpublish(publication, tell_owner=True)

    def end_all(self) -> None:
        """End everything without announcements: the participant leaves."""
        for publication in [*self._live.values(), *self._requested]:
            publication.end()
        self._requested.clear()

    def _refusal(self, request: rtc.AddTrackRequest) -> rtc.RequestResponse.Reason | None:
        reasons = rtc.RequestResponse.Reason
        if not self._owner.grants.may_publish(request.source):
            return reasons.NOT_ALLOWED
        if request.type not in _KINDS:
            return reasons.UNSUPPORTED_TYPE
        names = (request.cid, request.name, request.stream)
        lists = (request.layers, request.simulcast_codecs, request.audio_features)
        if not request.cid or any(len(name) > MAX_NAME_LENGTH for name in names):
            return reasons.INVALID_REQUEST
        if any(len(entries) > MAX_LIST_LENGTH for entries in lists):
            return reasons.INVALID_REQUEST
        if len(self._requested) + len(self._live) >= MAX_PUBLICATIONS:
            return reasons.LIMIT_EXCEEDED
        return None


def track_info(request: rtc.AddTrackRequest) -> models.TrackInfo:
    """What the room is told of a track, from its request; codec and mid follow with the offer."""
    video = request.type == models.TrackType.VIDEO
    info = models.TrackInfo(
        sid=new_sid("TR_" if request.source == models.TrackSource.UNKNOWN else _sid_prefix(request.source)),
        type=request.type,
        name=request.name,
        muted=request.muted,
        width=request.width,
        height=request.height,
        source=request.source,
        layers=request.layers,
        simulcast=len(request.layers) > 1,
        disable_dtx=request.disable_dtx,
        stereo=request.stereo,
        disable_red=request.disable_red,
        encryption=request.encryption,
        stream=request.stream or _default_stream(request.source),
        audio_features=request.audio_features,
        backup_codec_policy=request.backup_codec_policy,
        packet_trailer_features=request.packet_trailer_features,
    )
    for codec in request.simulcast_codecs[:1]:
        info.mime_type = f"video/{codec.codec.upper()}" if video else f"audio/{codec.codec.lower()}"
        info.codecs.add(mime_type=info.mime_type, cid=codec.cid, layers=codec.layers or request.layers)
    return info


def _sid_prefix(source: models.TrackSource) -> str:
    return {
        models.TrackSource.CAMERA: "TR_VC",
        models.TrackSource.MICROPHONE: "TR_AM",
        models.TrackSource.SCREEN_SHARE: "TR_VS",
        models.TrackSource.SCREEN_SHARE_AUDIO: "TR_AS",
    }.get(source, "TR_")


def _default_stream(source: models.TrackSource) -> str:
    screen = (models.TrackSource.SCREEN_SHARE, models.TrackSource.SCREEN_SHARE_AUDIO)
    return "screenshare" if source in screen else "camera"

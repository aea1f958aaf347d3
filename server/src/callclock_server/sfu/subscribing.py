"""What one participant receives: which tracks it wants, may have, and in what quality.

`reconcile` is the one decision: a track is received when the participant may subscribe, the owner
lets it, and it is wanted (an explicit choice, else auto-subscribe). Everything else only changes an
input and reconciles; the negotiation then gives each waiting subscription a media section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from callclock_server.sfu.codecs import answered_extensions, send_codec, send_extensions
from callclock_server.sfu.ids import new_ssrc
from callclock_server.sfu.media import Codec, DownTrack, Peer, SendSpec
from callclock_server.sfu.publishing import Publication
from callclock_server.sfu.sdp import Section
from callclock_server.sfu.sdp_writer import LocalSection

if TYPE_CHECKING:
    from callclock_server.sfu.participant import Participant

MAX_CHOICES = 1024
"""Remembered choices and settings per participant."""


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """How a subscriber wants a video: shown at all, and at most this layer (0 low .. 2 high)."""

    disabled: bool = False
    quality: int = models.VideoQuality.HIGH
    width: int = 0

    def layer(self, info: models.TrackInfo) -> int:
        """The simulcast layer to send at most: by width where one is given, else by quality."""
        if not self.width:
            return min(int(self.quality), int(models.VideoQuality.HIGH))
        widths = sorted(layer.width for layer in info.layers)
        return next((index for index, width in enumerate(widths) if width >= self.width), 2)


class Subscription:
    """One track on its way to one participant."""

    def __init__(self, publication: Publication, settings: TrackSettings) -> None:
        self.publication = publication
        self.settings = settings
        self.ssrc = new_ssrc()
        self.rtx_ssrc = new_ssrc()
        self.mid = ""
        self.ended = False
        self._down: DownTrack | None = None
        self._peer: Peer | None = None

    @property
    def source(self) -> Codec | None:
        """The codec that the publisher sends, None when the track is gone."""
        up = self.publication.up
        return up.spec.codecs[0] if up is not None else None

    def section(self, mid: str, codec: Codec, extensions: dict[str, int]) -> LocalSection:
        """How the track is written into a description."""
        owner_sid = self.publication.owner.sid
        return LocalSection(
            kind=self.publication.kind,
            mid=mid,
            direction="sendonly",
            codecs=(codec,),
            extensions=extensions,
            stream_id=f"{owner_sid}|{self.publication.sid}",
            track_id=self.publication.sid,
            ssrc=self.ssrc,
            rtx_ssrc=self.rtx_ssrc if codec.rtx_payload_type is not None else None,
            cname=owner_sid,
        )

    def start(self, peer: Peer, section: LocalSection) -> None:
        """Forward the track into a section that was agreed on."""
        up = self.publication.up
        if up is None or self.ended or self._down is not None:
            return
        spec = SendSpec(
            kind=self.publication.kind,
            mid=section.mid,
            codecs=section.codecs,
            extensions=send_extensions(section.extensions, self.publication.kind),
            ssrc=self.ssrc,
            rtx_ssrc=section.rtx_ssrc,
            cname=section.cname,
        )
        self._peer, self._down = peer, peer.send(up, spec)
        self.apply(self.settings)

    def apply(self, settings: TrackSettings) -> None:
        """Take other settings."""
        self.settings = settings
        if self._down is None or self.publication.kind == "audio":
            return
        self._down.set_max_quality(settings.layer(self.publication.info))
        if settings.disabled:
            self._down.pause()
        else:
            self._down.resume()

    def end(self) -> None:
        """Stop forwarding at once; the section is freed by the next negotiation."""
        self.ended = True
        if self._peer is not None and self._down is not None:
            self._peer.stop_sending(self._down)
        self._peer = self._down = None


class Subscribing:
    """The subscriptions of one participant."""

    def __init__(self, owner: Participant, *, auto_subscribe: bool, changed: Callable[[], None]) -> None:
        self._owner = owner
        self._auto_subscribe = auto_subscribe
        self._changed = changed
        self._active: dict[str, Subscription] = {}
        self._choices: dict[str, bool] = {}
        self._settings: dict[str, TrackSettings] = {}
        self._denied: set[str] = set()

    @property
    def active(self) -> list[Subscription]:
        """Subscriptions in force, in the order of their start."""
        return list(self._active.values())

    def waiting(self, kind: str) -> list[Subscription]:
        """Subscriptions of a kind that have no media section yet."""
        return [s for s in self._active.values() if not s.mid and s.publication.kind == kind]

    def reconcile(self, publication: Publication) -> None:
        """Start or end the subscription to one live track, as it should be now."""
        current = self._active.get(publication.sid)
        wanted = self._wants(publication)
        if wanted and current is None:
            settings = self._settings.get(publication.sid, TrackSettings())
            self._active[publication.sid] = Subscription(publication, settings)
            self._changed()
        elif not wanted and current is not None:
            self.drop(publication)

    def reconcile_all(self) -> None:
        """Reconcile every live track of the room."""
        for publication in self._owner.room.publications():
            self.reconcile(publication)

    def drop(self, publication: Publication) -> None:
        """End the subscription to a track, if there is one."""
        subscription = self._active.pop(publication.sid, None)
        if subscription is not None:
            subscription.end()
            self._changed()

    def forget(self, sid: str) -> None:
        """Forget choices about a track that no longer exists."""
        self._choices.pop(sid, None)
        self._settings.pop(sid, None)
        self._denied.discard(sid)

    def choose(self, track_sids: Iterable[str], subscribe: bool) -> None:
        """Subscribe or unsubscribe by the participant's own choice."""
        for sid in track_sids:
            if len(self._choices) >= MAX_CHOICES and sid not in self._choices:
                return
            self._choices[sid] = subscribe
            publication = self._owner.room.publication(sid)
            if publication is not None:
                self.reconcile(publication)

    def set_settings(self, track_sids: Iterable[str], settings: TrackSettings) -> None:
        """Take the wished quality of tracks; kept for tracks that are subscribed later."""
        for sid in track_sids:
            if len(self._settings) >= MAX_CHOICES and sid not in self._settings:
                return
            self._settings[sid] = settings
            subscription = self._active.get(sid)
            if subscription is not None and subscription.settings != settings:
                subscription.apply(settings)

    def undecodable(self, subscription: Subscription) -> None:
        """Give up a track whose codec the client does not have, and say so."""
        sid = subscription.publication.sid
        self._choices[sid] = False
        self.drop(subscription.publication)
        error = models.SubscriptionError.SE_CODEC_UNSUPPORTED
        self._owner.send(subscription_response=rtc.SubscriptionResponse(track_sid=sid, err=error))

    def end_all(self) -> None:
        """End everything: the participant leaves."""
        for subscription in self._active.values():
            subscription.end()
        self._active.clear()

    def _wants(self, publication: Publication) -> bool:
        owner = publication.owner
        if owner is self._owner or not self._owner.grants.can_subscribe or publication.up is None:
            return False
        allowed = owner.audience.admits(self._owner, publication.sid)
        if allowed == (publication.sid in self._denied):
            self._tell_permission(publication, allowed)
        return allowed and self._choices.get(publication.sid, self._auto_subscribe)

    def _tell_permission(self, publication: Publication, allowed: bool) -> None:
        if allowed:
            self._denied.discard(publication.sid)
        else:
            self._denied.add(publication.sid)
        update = rtc.SubscriptionPermissionUpdate(
            participant_sid=publication.owner.sid, track_sid=publication.sid, allowed=allowed
        )
        self._owner.send(subscription_permission_update=update)


def offered_section(subscription: Subscription, section: Section) -> LocalSection | None:
    """The answer that puts a subscription into a section the client offers; None if it cannot decode."""
    source = subscription.source
    if source is None:
        return None
    kind = subscription.publication.kind
    codec = send_codec(section, kind, source=source)
    if codec is None:
        return None
    return subscription.section(section.mid, codec, answered_extensions(section, kind))

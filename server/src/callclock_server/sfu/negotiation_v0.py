"""Two connections (`/rtc`): the client offers what it publishes, the server offers what it receives.

Invariants of the server's offers: ids increase and at most one is unanswered (`_inflight`, with
`_dirty` for what came meanwhile); sections are never removed, a freed one goes inactive in one answered
round before another track gets it; forwarding starts with the answer, so no packet comes too early.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.protocol import rtc

from callclock_server.sfu.codecs import RESTING_CODECS, offered_codec, offered_extensions
from callclock_server.sfu.data import LOSSY, RELIABLE
from callclock_server.sfu.media import Kind, MediaPort, Peer
from callclock_server.sfu.negotiation import NEGOTIATION_DELAY_SECONDS, Association, read_description
from callclock_server.sfu.sdp import Description, Section
from callclock_server.sfu.sdp_writer import LocalSection, compose
from callclock_server.sfu.subscribing import Subscription
from callclock_server.sfu.upstream import Upstream, unused

if TYPE_CHECKING:
    from callclock_server.sfu.participant import Participant

KINDS: dict[str, Kind] = {"audio": "audio", "video": "video"}


@dataclass(slots=True)
class _Slot:
    """One media section of the server's offers."""

    mid: str
    kind: Kind
    subscription: Subscription | None = None
    section: LocalSection | None = None
    rested: bool = False
    """Whether the client has answered it inactive since it was freed."""


class TwoConnections:
    """The v0 negotiation of one participant."""

    def __init__(self, owner: Participant, media: MediaPort) -> None:
        self._owner = owner
        self._publisher = Association(media, on_state=_ignore_state, on_data=owner.on_data)
        self._subscriber = Association(media, on_state=owner.on_media_state, on_data=_ignore_data)
        self._upstream = Upstream(self._publisher.peer, owner.publishing)
        self._slots: list[_Slot] = []
        self._offer_id = 0
        self._inflight: int | None = None
        self._dirty = False
        self._restarting = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Subscriber first: it decides about the connection (`subscriber_primary`)."""
        return (self._subscriber.peer, self._publisher.peer)

    def start(self) -> None:
        """Offer the data channels at once, else the client would wait for ever."""
        self._subscriber.peer.open_channel(RELIABLE, ordered=True, max_retransmits=None)
        self._subscriber.peer.open_channel(LOSSY, ordered=False, max_retransmits=0)
        self._offer()

    def resume(self) -> None:
        """Offer anew with fresh ICE credentials; an offer lost with the old socket is forgotten."""
        self._subscriber.restart_ice()
        self._restarting = True
        self._inflight = None
        self._offer()

    def changed(self) -> None:
        """Offer soon."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(NEGOTIATION_DELAY_SECONDS, self._offer_or_wait)

    def on_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer what the client publishes."""
        description = read_description(offer, expected="offer")
        self._publisher.take_remote(description)
        sdp = compose(
            [self._answer(section) for section in description.sections],
            self._publisher.answering(),
            session_id=self._publisher.session_id,
            version=self._publisher.next_version(),
        )
        self._owner.send(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id))

    def on_answer(self, answer: rtc.SessionDescription) -> None:
        """Start what the client agreed to receive. Answers to other than the last offer are ignored.

        Native clients answer with id 0, which stands for the last offer.
        """
        if self._inflight is None or answer.id not in (0, self._inflight):
            return
        description = read_description(answer, expected="answer")
        self._subscriber.take_remote(description, answers_restart=self._restarting)
        self._restarting = False
        self._inflight = None
        self._settle(description)
        if self._dirty:
            self.changed()

    def send_data(self, label: str, payload: bytes) -> bool:
        """Send on the channel that the server opened."""
        return self._subscriber.peer.send_data(label, payload)

    def close(self) -> None:
        """Close both peers."""
        if self._timer is not None:
            self._timer.cancel()
        self._publisher.peer.close()
        self._subscriber.peer.close()

    def _answer(self, section: Section) -> LocalSection:
        kind = KINDS.get(section.kind)
        if section.kind == "application":
            peer = self._publisher.peer
            peer.set_sctp(port=section.sctp_port, max_message_size=section.max_message_size)
            return LocalSection(kind="application", mid=section.mid, sctp_port=peer.sctp_port)
        if kind is None:
            return LocalSection(kind=section.kind, mid=section.mid, rejected=True)
        return self._upstream.answer(section, kind) or unused(section, kind)

    def _offer_or_wait(self) -> None:
        self._timer = None
        if self._inflight is not None:
            self._dirty = True
        elif self._dirty or self._unsettled():
            self._offer()

    def _unsettled(self) -> bool:
        subscribing = self._owner.subscribing
        stale = any(slot.subscription is not None and slot.subscription.ended for slot in self._slots)
        return bool(stale or subscribing.waiting("audio") or subscribing.waiting("video"))

    def _offer(self) -> None:
        self._dirty = False
        for slot in self._slots:
            if slot.subscription is not None and slot.subscription.ended:
                slot.subscription, slot.section, slot.rested = None, None, False
        for kind in KINDS.values():
            for subscription in self._owner.subscribing.waiting(kind):
                self._place(subscription, kind)
        self._offer_id += 1
        self._inflight = self._offer_id
        peer = self._subscriber.peer
        sections = [LocalSection(kind="application", mid="data", sctp_port=peer.sctp_port)]
        sections += [slot.section or _resting(slot) for slot in self._slots]
        sdp = compose(
            sections,
            self._subscriber.offering(),
            session_id=self._subscriber.session_id,
            version=self._subscriber.next_version(),
        )
        tracks = {slot.mid: slot.section.track_id for slot in self._slots if slot.section is not None}
        offer = rtc.SessionDescription(type="offer", sdp=sdp, id=self._offer_id, mid_to_track_id=tracks)
        self._owner.send(offer=offer)

    def _place(self, subscription: Subscription, kind: Kind) -> None:
        source = subscription.source
        if source is None:
            return
        slot = next((s for s in self._slots if s.kind == kind and s.subscription is None and s.rested), None)
        if slot is None:
            slot = _Slot(mid=str(len(self._slots)), kind=kind)
            self._slots.append(slot)
        subscription.mid = slot.mid
        slot.subscription = subscription
        slot.section = subscription.section(slot.mid, offered_codec(source, kind), offered_extensions(kind))

    def _settle(self, description: Description) -> None:
        answered = {section.mid: section for section in description.sections}
        for section in description.sections:
            if section.kind == "application":
                peer = self._subscriber.peer
                peer.set_sctp(port=section.sctp_port, max_message_size=section.max_message_size)
        for slot in self._slots:
            reply = answered.get(slot.mid)
            if reply is None:
                continue
            if slot.subscription is None:
                slot.rested = True
            elif slot.section is not None and not slot.subscription.ended:
                self._start(slot.subscription, slot.section, accepted=_accepts(reply))

    def _start(self, subscription: Subscription, section: LocalSection, *, accepted: bool) -> None:
        if not accepted:
            self._owner.subscribing.undecodable(subscription)
            return
        subscription.start(self._subscriber.peer, section)
        self._owner.room.track_subscribed(subscription.publication)


def _accepts(reply: Section) -> bool:
    return reply.port != 0 and reply.direction in ("recvonly", "sendrecv") and bool(reply.codecs)


def _resting(slot: _Slot) -> LocalSection:
    return LocalSection(
        kind=slot.kind,
        mid=slot.mid,
        codecs=(RESTING_CODECS[slot.kind],),
        extensions=offered_extensions(slot.kind),
    )


def _ignore_state(state: str) -> None:
    """The publisher connection does not decide: the client watches it and resumes."""


def _ignore_data(label: str, payload: bytes) -> None:
    """Clients send on the publisher connection only."""

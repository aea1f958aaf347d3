"""One connection for both directions (`/rtc/v1`): the client always offers.

Invariants: a section carries one subscription at a time and rests inactive for one answered round
before the next one gets it, else the browser would fire no `track` event; every answer carries the
whole mid-to-track map, which is the client's only way to name a received track; at most one
`media_sections_requirement` is unanswered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit.protocol import rtc

from callclock_server.sfu.media import Kind, MediaPort, Peer
from callclock_server.sfu.negotiation import NEGOTIATION_DELAY_SECONDS, Association, read_description
from callclock_server.sfu.sdp import Description, Section
from callclock_server.sfu.sdp_writer import LocalSection, compose
from callclock_server.sfu.signal_socket import ProtocolViolation
from callclock_server.sfu.subscribing import Subscription, offered_section
from callclock_server.sfu.upstream import Upstream, unused

if TYPE_CHECKING:
    from callclock_server.sfu.participant import Participant

KINDS: dict[str, Kind] = {"audio": "audio", "video": "video"}
MAX_FRUITLESS_ROUNDS = 5
"""A client that keeps offering without the sections it was asked for is not asked for ever."""


class OneConnection:
    """The v1 negotiation of one participant."""

    def __init__(self, owner: Participant, media: MediaPort) -> None:
        self._owner = owner
        self._association = Association(media, on_state=owner.on_media_state, on_data=owner.on_data)
        self._upstream = Upstream(self._association.peer, owner.publishing)
        self._carried: dict[str, Subscription] = {}
        self._free: dict[str, int] = {}
        self._fruitless_rounds = 0
        self._awaiting_offer = True
        self._timer: asyncio.TimerHandle | None = None

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The one peer."""
        return (self._association.peer,)

    def start(self) -> None:
        """Wait for the client's first offer, which comes by itself."""

    def resume(self) -> None:
        """Wait for the ICE restart offer that a resuming client makes.

        Asking for sections before it came would have the client make two offers at once.
        """
        self._awaiting_offer = True

    def changed(self) -> None:
        """Ask for a round soon."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(NEGOTIATION_DELAY_SECONDS, self._require_sections)

    def on_answer(self, answer: rtc.SessionDescription) -> None:
        """Refuse it: the server never offers in this mode."""
        raise ProtocolViolation("an answer without an offer")

    def on_offer(self, offer: rtc.SessionDescription) -> None:
        """Answer the client's offer, placing waiting subscriptions into its free sections."""
        description = read_description(offer, expected="offer")
        self._association.take_remote(description)
        self._awaiting_offer = False
        sections, started = self._answer(description)
        sdp = compose(
            sections,
            self._association.answering(),
            session_id=self._association.session_id,
            version=self._association.next_version(),
        )
        tracks = {mid: carried.publication.sid for mid, carried in self._carried.items()}
        answer = rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id, mid_to_track_id=tracks)
        self._owner.send(answer=answer)
        for subscription, section in started:
            subscription.start(self._association.peer, section)
            self._owner.room.track_subscribed(subscription.publication)
        self._fruitless_rounds = 0 if started or not self._unsettled() else self._fruitless_rounds + 1
        if self._unsettled() and self._fruitless_rounds < MAX_FRUITLESS_ROUNDS:
            self.changed()

    def send_data(self, label: str, payload: bytes) -> bool:
        """Send on the channel that the client opened."""
        return self._association.peer.send_data(label, payload)

    def close(self) -> None:
        """Close the peer."""
        if self._timer is not None:
            self._timer.cancel()
        self._association.peer.close()

    def _answer(
        self, description: Description
    ) -> tuple[list[LocalSection], list[tuple[Subscription, LocalSection]]]:
        sections: list[LocalSection] = []
        started: list[tuple[Subscription, LocalSection]] = []
        self._free = {}
        for section in description.sections:
            kind = KINDS.get(section.kind)
            if section.kind == "application":
                sections.append(self._answer_data(section))
            elif kind is None:
                sections.append(LocalSection(kind=section.kind, mid=section.mid, rejected=True))
            else:
                upward = self._upstream.answer(section, kind)
                sections.append(upward or self._answer_downward(section, kind, started))
        return sections, started

    def _answer_data(self, section: Section) -> LocalSection:
        peer = self._association.peer
        peer.set_sctp(port=section.sctp_port, max_message_size=section.max_message_size)
        return LocalSection(kind="application", mid=section.mid, sctp_port=peer.sctp_port)

    def _answer_downward(
        self, section: Section, kind: Kind, started: list[tuple[Subscription, LocalSection]]
    ) -> LocalSection:
        current = self._carried.get(section.mid)
        usable = section.port != 0 and section.direction == "recvonly"
        if current is not None and (current.ended or not usable):
            del self._carried[section.mid]
            current.mid = ""
        elif current is not None:
            return offered_section(current, section) or unused(section, kind)
        elif usable:
            placed = self._place(section, kind)
            if placed is not None:
                started.append(placed)
                return placed[1]
        self._free[kind] = self._free.get(kind, 0) + usable
        return unused(section, kind)

    def _place(self, section: Section, kind: Kind) -> tuple[Subscription, LocalSection] | None:
        for subscription in self._owner.subscribing.waiting(kind):
            answer = offered_section(subscription, section)
            if answer is None:
                self._owner.subscribing.undecodable(subscription)
                continue
            subscription.mid = section.mid
            self._carried[section.mid] = subscription
            return subscription, answer
        return None

    def _unsettled(self) -> bool:
        subscribing = self._owner.subscribing
        stale = any(carried.ended for carried in self._carried.values())
        return bool(stale or subscribing.waiting("audio") or subscribing.waiting("video"))

    def _missing(self, kind: Kind) -> int:
        return max(0, len(self._owner.subscribing.waiting(kind)) - self._free.get(kind, 0))

    def _require_sections(self) -> None:
        self._timer = None
        if self._awaiting_offer or not self._unsettled():
            return
        self._awaiting_offer = True
        requirement = rtc.MediaSectionsRequirement(
            num_audios=self._missing("audio"), num_videos=self._missing("video")
        )
        self._owner.send(media_sections_requirement=requirement)

"""Who gets which media section, in both modes, on a media plane that only takes notes."""

from __future__ import annotations

import asyncio
import re

import pytest
from callclock_server.sfu.negotiation import NEGOTIATION_DELAY_SECONDS
from callclock_server.sfu.negotiation_v1 import MAX_FRUITLESS_ROUNDS
from callclock_server.sfu.participant import Participant
from callclock_server.sfu.room import Reason
from callclock_server.sfu.sdp import parse
from callclock_server.sfu.signal_socket import ProtocolViolation
from livekit.protocol import rtc
from livekit.protocol.models import TrackSource, TrackType

from .fakes import FakeSocket, World, ask, audio, data, offer, offer_sdp, publish, video

SIX = [audio("1"), audio("2"), audio("3"), video("4"), video("5"), video("6")]


async def settle() -> None:
    """Let the negotiation's short delay pass."""
    await asyncio.sleep(NEGOTIATION_DELAY_SECONDS * 1.5)


def answered(socket: FakeSocket) -> dict[str, str]:
    """Directions by mid of the last answer."""
    return {section.mid: section.direction for section in parse(socket.last("answer").sdp).sections}


def offered(socket: FakeSocket) -> dict[str, str]:
    return {section.mid: section.direction for section in parse(socket.last("offer").sdp).sections}


def accept(
    participant: Participant, socket: FakeSocket, *, number: int | None = None, refuse: str = ""
) -> None:
    """Answer the server's last offer as a browser does."""
    last = socket.last("offer")
    sections = [data("data")]
    for section in parse(last.sdp).sections[1:]:
        direction = {"sendonly": "recvonly"}.get(section.direction, "inactive")
        direction = "inactive" if section.mid == refuse else direction
        sections.append((video if section.kind == "video" else audio)(section.mid, direction))
    sdp = offer_sdp(*sections, setup="active")
    answer = rtc.SessionDescription(type="answer", sdp=sdp, id=last.id if number is None else number)
    ask(participant, answer=answer)


async def test_unused_sections_are_answered_inactive_and_kept() -> None:
    world = World()
    ann, socket = world.enter("ann")
    ask(ann, offer=offer(data("0"), *SIX, number=7))
    assert socket.last("answer").id == 7
    assert set(answered(socket).values()) == {"inactive", "sendrecv"}
    assert "a=extmap:10 " in socket.last("answer").sdp
    assert world.peers_of(ann)[0].sctp == (5000, 262144)


async def test_published_track_is_announced_before_it_is_received() -> None:
    world = World()
    ann, socket = world.enter("ann")
    _, others = world.enter("bob")
    publish(ann, "cam", layers=[{"width": 640, "height": 360}])
    assert answered(socket)["cam"] == "recvonly"
    track = others.last("update").participants[0].tracks[0]
    assert track.sid == socket.last("track_published").track.sid
    assert (track.mime_type, track.mid, track.source) == ("video/VP8", "cam", TrackSource.CAMERA)
    spec = world.peers_of(ann)[0].ups[0].spec
    assert (spec.mid, spec.kind, [codec.name for codec in spec.codecs]) == ("cam", "video", ["VP8"])
    assert [event.event for event in world.events][-1] == "track_published"


async def test_late_joiner_is_given_what_is_there_in_its_first_answer() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), *SIX))
    answer = socket.last("answer")
    sid = ann.publishing.live[0].sid
    assert dict(answer.mid_to_track_id) == {"4": sid}
    section = parse(answer.sdp).sections[4]
    assert (section.mid, section.direction) == ("4", "sendonly")
    assert (section.stream_id, section.track_id) == (f"{ann.sid}|{sid}", sid)
    down = world.peers_of(bob)[0].downs[0]
    assert (down.spec.ssrc, down.spec.rtx_ssrc) == (section.ssrcs[0], section.rtx_ssrcs[section.ssrcs[0]])


async def test_free_sections_are_used_before_more_are_required() -> None:
    world = World()
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), *SIX))
    publishers = [world.enter(f"p{number}")[0] for number in range(4)]
    for publisher in publishers[:3]:
        publish(publisher, "cam")
    await settle()
    requirement = socket.last("media_sections_requirement")
    assert (requirement.num_audios, requirement.num_videos) == (0, 0)
    ask(bob, offer=offer(data("0"), *SIX, number=2))
    assert set(socket.last("answer").mid_to_track_id) == {"4", "5", "6"}
    publish(publishers[3], "cam")
    await settle()
    assert socket.last("media_sections_requirement").num_videos == 1
    ask(bob, offer=offer(data("0"), *SIX, video("7"), number=3))
    assert set(socket.last("answer").mid_to_track_id) == {"4", "5", "6", "7"}


async def test_one_requirement_at_a_time_is_open() -> None:
    world = World()
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0")))
    ann, _ = world.enter("ann")
    for cid in ("a", "b", "c"):
        publish(
            ann, cid, *(video(c, "sendonly", track=c) for c in "abc" if c < cid), source=TrackSource.UNKNOWN
        )
        await settle()
    assert len(socket.all("media_sections_requirement")) == 1


async def test_client_that_never_adds_sections_is_not_asked_for_ever() -> None:
    world = World()
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0")))
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    for number in range(3 * MAX_FRUITLESS_ROUNDS):
        await settle()
        ask(bob, offer=offer(data("0"), number=number + 2))
    assert len(socket.all("media_sections_requirement")) <= MAX_FRUITLESS_ROUNDS + 1


async def test_freed_section_rests_for_one_round_before_its_next_track() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "one")
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), video("1")))
    assert answered(socket)["1"] == "sendonly"
    publish(ann, "two", video("one", "inactive"))
    await settle()
    ask(bob, offer=offer(data("0"), video("1"), number=2))
    assert answered(socket)["1"] == "inactive"
    await settle()
    ask(bob, offer=offer(data("0"), video("1"), number=3))
    assert answered(socket)["1"] == "sendonly"
    assert [down.up for down in world.peers_of(bob)[0].downs] == [ann.publishing.live[0].up]


async def test_codec_that_a_subscriber_lacks_is_reported_to_it() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "cam", simulcast_codecs=[{"codec": "vp9", "cid": "cam"}])
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), re.sub("VP9", "other", video("1"))))
    assert answered(socket)["1"] == "inactive"
    assert socket.last("subscription_response").track_sid == ann.publishing.live[0].sid
    assert bob.subscribing.active == []


@pytest.mark.parametrize("single", [True, False])
async def test_new_ice_credentials_of_the_client_are_answered_with_new_ones(single: bool) -> None:
    world = World()
    ann, socket = world.enter("ann", single=single)
    ask(ann, offer=offer(data("0")))
    first = parse(socket.last("answer").sdp).ufrag
    ask(ann, offer=offer(data("0"), number=2))
    assert parse(socket.last("answer").sdp).ufrag == first
    ask(ann, offer=offer(data("0"), number=3, ufrag="restarted"))
    assert parse(socket.last("answer").sdp).ufrag != first
    peer = world.peers_of(ann)[0 if single else 1]
    assert (peer.restarts, peer.remote["ufrag"]) == (1, "restarted")


async def test_two_connection_client_is_offered_data_channels_at_once() -> None:
    world = World()
    ann, socket = world.enter("ann", single=False)
    assert offered(socket) == {"data": "sendrecv"}
    assert "a=setup:actpass" in socket.last("offer").sdp
    assert world.peers_of(ann)[0].channels == ["_reliable", "_lossy"]


async def test_one_offer_at_a_time_is_open() -> None:
    world = World()
    bob, socket = world.enter("bob", single=False)
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    await settle()
    assert len(socket.all("offer")) == 1
    accept(bob, socket)
    await settle()
    assert [message.id for message in socket.all("offer")] == [1, 2]
    assert offered(socket)["0"] == "sendonly"
    assert world.peers_of(bob)[0].downs == []
    accept(bob, socket)
    assert len(world.peers_of(bob)[0].downs) == 1


async def test_answer_without_a_number_counts_for_the_last_offer_and_stale_ones_for_nothing() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    bob, socket = world.enter("bob", single=False)
    accept(bob, socket, number=99)
    assert world.peers_of(bob)[0].downs == []
    accept(bob, socket, number=0)
    assert len(world.peers_of(bob)[0].downs) == 1


async def test_section_that_the_client_refuses_is_given_up() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    bob, socket = world.enter("bob", single=False)
    accept(bob, socket, refuse="0")
    assert socket.last("subscription_response").track_sid == ann.publishing.live[0].sid
    assert bob.subscribing.active == []


async def test_offered_section_is_reused_after_an_inactive_round() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "one")
    bob, socket = world.enter("bob", single=False)
    accept(bob, socket)
    publish(ann, "two", video("one", "inactive"))
    for expected in ({"0": "inactive", "1": "sendonly"}, {"0": "sendonly", "1": "sendonly"}):
        await settle()
        assert {mid: way for mid, way in offered(socket).items() if mid != "data"} == expected
        accept(bob, socket)
        if expected["0"] == "inactive":
            sections = (video("one", "inactive"), video("two", "sendonly", track="two"))
            publish(ann, "three", *sections, source=TrackSource.SCREEN_SHARE)


async def test_resume_offers_with_new_credentials_although_an_offer_is_open() -> None:
    world = World()
    ann, socket = world.enter("ann", single=False)
    before = parse(socket.last("offer").sdp).ufrag
    ann.negotiation.resume()
    assert socket.last("offer").id == 2
    assert parse(socket.last("offer").sdp).ufrag != before


async def test_resuming_client_is_not_asked_for_sections_before_its_own_offer() -> None:
    world = World()
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0")))
    ann, _ = world.enter("ann")
    bob.negotiation.resume()
    publish(ann, "cam")
    await settle()
    assert socket.all("media_sections_requirement") == []
    ask(bob, offer=offer(data("0"), number=2, ufrag="restarted"))
    await settle()
    assert socket.last("media_sections_requirement").num_videos == 1


@pytest.mark.parametrize("single", [True, False])
async def test_unusable_descriptions_are_violations(single: bool) -> None:
    ann, socket = World().enter("ann", single=single)
    broken = [
        rtc.SessionDescription(type="offer", sdp="v=0"),
        rtc.SessionDescription(type="answer", sdp=offer_sdp(data("0"))),
        offer(data("0"), setup="passive"),
        rtc.SessionDescription(type="offer", sdp=offer_sdp(data("0")).replace("sha-256", "md9")),
    ]
    for description in broken:
        with pytest.raises(ProtocolViolation):
            ask(ann, offer=description)
    assert socket.all("answer") == []


async def test_track_without_a_request_or_with_a_refused_one_is_not_received() -> None:
    world = World()
    ann, socket = world.enter("ann", can_publish_sources=(TrackSource.CAMERA,))
    ask(ann, offer=offer(data("0"), video("1", "sendonly", track="unasked")))
    assert answered(socket)["1"] == "inactive"
    ask(ann, add_track={"cid": "screen", "type": TrackType.VIDEO, "source": TrackSource.SCREEN_SHARE})
    ask(ann, add_track={"cid": "cam", "type": TrackType.VIDEO, "source": TrackSource.CAMERA})
    assert socket.last("request_response").reason == rtc.RequestResponse.Reason.NOT_ALLOWED
    ask(ann, offer=offer(data("0"), video("1", "sendonly", track="screen"), number=2))
    assert answered(socket)["1"] == "inactive"
    assert world.peers_of(ann)[0].ups == []


async def test_cut_track_stays_cut_until_the_client_stops_offering_it() -> None:
    world = World()
    ann, socket = world.enter("ann")
    publish(ann, "cam")
    up = world.peers_of(ann)[0].ups[0]
    ann.publishing.unpublish(ann.publishing.live[0], tell_owner=True)
    assert up.muted
    assert world.peers_of(ann)[0].ups == []
    publish(ann, "cam")
    assert answered(socket)["cam"] == "inactive"
    ask(ann, offer=offer(data("0"), video("cam", "inactive"), number=3))
    ask(ann, offer=offer(data("0"), video("cam", "sendonly", track="cam"), number=4))
    assert answered(socket)["cam"] == "recvonly"


async def test_track_whose_section_goes_inactive_is_unpublished() -> None:
    world = World()
    ann, _ = world.enter("ann")
    bob, socket = world.enter("bob")
    publish(ann, "cam")
    ask(ann, offer=offer(data("0"), video("cam", "inactive"), number=2))
    assert list(socket.last("update").participants[0].tracks) == []
    assert bob.subscribing.active == []
    assert world.events[-1].event == "track_unpublished"


async def test_leaving_closes_the_peers_and_everything_received_from_them() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "cam")
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), video("1")))
    peer = world.peers_of(ann)[0]
    world.room.remove(ann, reason=Reason.CLIENT_INITIATED)
    assert peer.closed
    assert world.peers_of(bob)[0].downs == []
    assert socket.last("update").participants[0].disconnect_reason == Reason.CLIENT_INITIATED

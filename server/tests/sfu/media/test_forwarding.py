"""Forwarding between synthetic clients in an in-memory network: what a viewer's stream looks like."""

import itertools
import struct

import pytest
from callclock_server.sfu.media.rtcp import (
    KeyframeRequest,
    Nack,
    ReportBlock,
    SenderReport,
    pack_nack,
    pack_pli,
    pack_receiver_reports,
    pack_sender_report,
)

SSRC = 5000


@pytest.fixture
def call(network, video_in, video_out, vp8_payload):
    """One sender, one viewer, one video track."""
    return Call(network, video_in, video_out, vp8_payload)


class Call:
    def __init__(self, network, video_in, video_out, vp8_payload):
        self.network = network
        self.sender, self.viewer = network.join(), network.join()
        self.up = self.sender.peer.receive(video_in(ssrcs=(SSRC,), rtx_ssrcs={SSRC: SSRC + 1}))
        self.down = self.viewer.peer.send(self.up, video_out())
        self.payload = vp8_payload
        self.sequence = 65500

    def frame(self, number, *, key=False, packets=1, **changes):
        for index in range(packets):
            fields = {
                "payload_type": 96,
                "sequence": self.sequence,
                "timestamp": 1000 + number * 3000,
                "ssrc": SSRC,
                "marker": index == packets - 1,
                "extensions": [(1, b"1"), (4, struct.pack("!H", self.sequence & 0xFFFF))],
                "payload": self.payload(key=key and index == 0, picture=number, tl0=number),
            }
            self.sender.send(**{**fields, **changes})
            self.sequence += 1

    def frames(self, first, last, **changes):
        for number in range(first, last):
            self.frame(number, key=number == first, **changes)
            self.network.run(0.033)
        self.network.run(0.2)

    def numbers(self):
        return [packet.sequence for packet in self.viewer.rtp if packet.payload_type == 120]

    def assert_gapless(self):
        numbers = self.numbers()
        assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(numbers)), numbers


async def test_viewer_gets_its_own_payload_types_ids_and_ssrc(call):
    call.frames(0, 5)

    packet = call.viewer.rtp[0]
    assert len(call.viewer.rtp) == 5
    assert (packet.payload_type, packet.ssrc, packet.extensions) == (120, 0xABCD0001, {9: b"7"})
    assert packet.payload == call.payload(key=True)
    call.assert_gapless()


async def test_stream_begins_with_a_keyframe_which_is_asked_for(call):
    call.frame(0)
    call.network.run(0.1)
    assert call.viewer.rtp == []
    assert call.sender.messages(KeyframeRequest) == [KeyframeRequest(SSRC)]

    call.frames(1, 3)
    assert len(call.viewer.rtp) == 2


async def test_keyframe_requests_of_many_viewers_are_throttled(call):
    call.frames(0, 3)
    call.network.run(0.5)
    before = len(call.sender.messages(KeyframeRequest))
    for _ in range(50):
        call.viewer.probe.send_rtcp(pack_pli(1, 0xABCD0001))
    call.network.run(0.2)
    assert len(call.sender.messages(KeyframeRequest)) == before + 1
    assert call.viewer.peer.stats().plis_in == 50


async def test_losses_on_both_legs_are_repaired(call):
    call.frames(0, 2)
    call.network.loss = 0.05
    asked = set()
    for number in range(2, 300):
        call.frame(number, packets=2)
        call.network.run(0.033)
        repair_upstream(call, asked)
        ask_viewer_repairs(call)
    call.network.loss = 0.0
    call.frame(300)
    for _ in range(10):
        call.network.run(0.1)
        repair_upstream(call, asked)
        ask_viewer_repairs(call)

    repaired = {int.from_bytes(p.payload[:2], "big") for p in call.viewer.rtp if p.payload_type == 121}
    seen = {*call.numbers(), *repaired}
    first = call.numbers()[0]
    missing = [n for n in range(2 + 2 * 298 + 1) if (first + n) & 0xFFFF not in seen]
    assert repaired
    assert call.sender.peer.stats().rtx_in > 5
    assert missing == []


def repair_upstream(call, asked):
    """Answer the server's NACKs as a sending client does, with RTX."""
    for message in call.sender.messages(Nack):
        for sequence in message.sequences:
            asked.add(sequence)
            number = (sequence - 65502 & 0xFFFF) // 2 + 2
            call.sender.send(
                payload_type=97,
                sequence=len(asked),
                timestamp=1000 + number * 3000,
                ssrc=SSRC + 1,
                payload=sequence.to_bytes(2, "big") + call.payload(picture=number, tl0=number),
            )
    call.sender.rtcp.clear()


def ask_viewer_repairs(call):
    """Ask for what is missing as a receiving client does."""
    numbers = call.numbers()
    base = numbers[0]
    repaired = {int.from_bytes(p.payload[:2], "big") for p in call.viewer.rtp if p.payload_type == 121}
    have = {(n - base) & 0xFFFF for n in {*numbers, *repaired}}
    missing = [(base + n) & 0xFFFF for n in range(max(have)) if n not in have]
    if missing:
        call.viewer.probe.send_rtcp(pack_nack(1, 0xABCD0001, missing))


async def test_nack_is_answered_by_a_plain_repeat_without_rtx(call, video_out):
    call.viewer.peer.stop_sending(call.down)
    spec = video_out(rtx_ssrc=None)
    call.down = call.viewer.peer.send(call.up, spec)
    call.frames(0, 3)
    call.frame(3)
    call.network.loss = 1.0  # the frame is on its way to the server; from there it does not arrive
    call.network.run(0.03)
    call.network.loss = 0.0
    call.frames(4, 6)
    assert len(call.viewer.rtp) == 5
    lost = call.viewer.rtp[2].sequence + 1

    call.viewer.probe.send_rtcp(pack_nack(1, spec.ssrc, [lost]))
    call.network.run(0.1)
    assert (call.viewer.rtp[-1].ssrc, call.viewer.rtp[-1].sequence) == (spec.ssrc, lost)
    assert call.viewer.peer.stats().rtx_out == 1


async def test_nack_flood_is_bounded(call):
    call.frames(0, 400)
    sequences = call.numbers()[-400:]
    before = call.viewer.peer.stats().rtx_out
    for _ in range(20):
        call.viewer.probe.send_rtcp(pack_nack(1, 0xABCD0001, sequences))
    call.network.run(0.04)
    assert 0 < call.viewer.peer.stats().rtx_out - before <= 230


async def test_pause_and_resume_leave_no_gap(call):
    call.frames(0, 5)
    call.down.pause()
    assert call.down.paused
    call.frames(5, 10)
    assert len(call.viewer.rtp) == 5

    call.down.resume()
    call.frame(10)
    call.network.run(0.1)
    assert len(call.viewer.rtp) == 5, "it waits for a key frame"
    call.frames(11, 15)

    assert len(call.viewer.rtp) == 9
    call.assert_gapless()
    pictures = [int.from_bytes(p.payload[2:4], "big") & 0x7FFF for p in call.viewer.rtp]
    assert pictures == list(range(9))
    assert [p.payload[4] for p in call.viewer.rtp] == list(range(9))
    stamps = [p.timestamp for p in call.viewer.rtp]
    assert stamps == sorted(stamps)


async def test_muted_track_is_cut_at_once_and_comes_back(call):
    call.frames(0, 5)
    call.up.muted = True
    call.frames(5, 10)
    assert len(call.viewer.rtp) == 5
    call.up.muted = False
    call.frames(10, 12)
    assert len(call.viewer.rtp) == 7
    call.assert_gapless()


async def test_padding_is_taken_out_without_a_gap(call):
    call.frames(0, 3)
    call.frame(2, payload=b"", padding=200)
    call.frame(2, payload=b"", padding=200)
    call.frames(3, 6)
    assert len(call.viewer.rtp) == 6
    call.assert_gapless()
    assert call.viewer.peer.stats().nacks_in == 0


async def test_sender_that_starts_anew_is_followed_without_a_jump(call):
    call.frames(0, 5)
    call.sequence += 20000
    call.frames(5, 10)
    assert len(call.viewer.rtp) == 10
    call.assert_gapless()


async def test_reordered_packets_keep_their_places(call):
    call.frames(0, 2)
    call.sequence += 1
    call.frame(3)
    call.sequence -= 2
    call.frame(2)
    call.network.run(0.1)
    numbers = call.numbers()
    assert (numbers[2] - numbers[3]) & 0xFFFF == 1


async def test_sender_reports_reach_the_viewer_in_its_own_terms(call):
    call.frames(0, 5)
    report = SenderReport(SSRC, 0xE0000000_80000000, 13000, 5, 1000)
    call.sender.probe.send_rtcp(pack_sender_report(report, cname="x"))
    call.network.run(0.1)

    seen = call.viewer.messages(SenderReport)[-1]
    assert (seen.ssrc, seen.ntp, seen.timestamp) == (0xABCD0001, report.ntp, report.timestamp)
    assert seen.packets == 5
    assert b"room" in call.viewer.raw_rtcp[-1]


async def test_reports_tell_loss_and_round_trip(call):
    call.frames(0, 5)
    call.sender.probe.send_rtcp(pack_sender_report(SenderReport(SSRC, 1 << 62, 1, 5, 1), cname="x"))
    call.network.run(0.1)
    middle = call.viewer.messages(SenderReport)[-1].ntp >> 16 & 0xFFFFFFFF
    block = ReportBlock(0xABCD0001, 64, 1, 1, 0, middle, 0)
    call.viewer.probe.send_rtcp(pack_receiver_reports(1, [block]))
    call.network.run(0.1)

    stats = call.viewer.peer.stats()
    assert stats.loss_out == 0.25
    assert stats.round_trip_seconds == pytest.approx(0.12, abs=0.03)


async def test_sender_hears_how_it_is_received(call):
    call.frames(0, 40)
    call.sequence += 10
    call.frames(40, 60)
    lost = call.sender.messages(ReportBlock)[-1]
    assert lost.ssrc == SSRC
    assert lost.lost == 10
    assert any(data[1] == 205 and data[0] & 0x1F == 15 for data in call.sender.raw_rtcp)


async def test_audio_is_forwarded_with_its_level(network, audio_in, audio_out):
    sender, viewer = network.join(), network.join()
    up = sender.peer.receive(audio_in)
    viewer.peer.send(up, audio_out)
    for number in range(50):
        sender.send(
            payload_type=111,
            sequence=number,
            timestamp=number * 960,
            ssrc=77,
            extensions=[(1, b"0"), (5, b"\x86")],
            payload=b"opus",
        )
        network.run(0.02)
    network.run(0.1)

    assert len(viewer.rtp) == 50
    assert viewer.rtp[-1].extensions == {9: b"6", 8: b"\x86"}
    assert viewer.rtp[-1].payload_type == 63
    assert up.audio_level() == pytest.approx(0.5, abs=0.05)
    network.run(2)
    assert up.audio_level() < 0.01


async def test_ssrc_cannot_be_used_twice_in_a_peer(call, video_out):
    with pytest.raises(ValueError, match="SSRC"):
        call.viewer.peer.send(call.up, video_out())


async def test_stopped_track_sends_nothing_more(call):
    call.frames(0, 3)
    call.viewer.peer.stop_sending(call.down)
    call.frames(3, 6)
    assert len(call.viewer.rtp) == 3
    call.sender.peer.stop_receiving(call.up)
    call.frames(6, 9)
    assert call.up.last_packet_at < call.network.now - 0.2


async def test_media_stops_without_consent_and_resumes_with_it(call):
    call.frames(0, 3)
    members = call.network.members
    members.remove(call.viewer)
    for _ in range(17):
        call.network.run(1)
        call.viewer.peer.on_timer(call.network.now)
    assert call.viewer.states == ["connected", "disconnected"]
    call.frames(3, 6)
    assert len(call.viewer.rtp) == 3

    members.append(call.viewer)
    call.network.run(1.5)
    assert call.viewer.states == ["connected", "disconnected", "connected"]
    call.frames(6, 9)
    assert len(call.viewer.rtp) == 6

"""Simulcast: learning layers by RID, choosing among them, switching without a seam."""

import itertools

import pytest
from callclock_server.sfu.media.rtcp import (
    KeyframeRequest,
    ReportBlock,
    SenderReport,
    ntp_from_unix,
    pack_receiver_reports,
    pack_sender_report,
)

SSRCS = {"q": 100, "h": 200, "f": 300}
CLOCKS = {"q": 5_000_000, "h": 4_294_900_000, "f": 70_000}


class Simulcast:
    def __init__(self, network, video_in, video_out, vp8_payload, **out):
        self.network = network
        self.payload = vp8_payload
        self.sender, self.viewer = network.join(), network.join()
        self.up = self.sender.peer.receive(video_in(rids=("q", "h", "f")))
        self.down = self.viewer.peer.send(self.up, video_out(**out))
        self.sequences = {"q": 10, "h": 65530, "f": 30000}
        self.number = 0
        self.answered = 0
        self.active = ["q", "h", "f"]

    def play(self, seconds):
        """Send all active layers at 30 fps; key frames where the server asked for one."""
        for _ in range(round(seconds * 30)):
            asked = {m.ssrc for m in self.sender.messages(KeyframeRequest)[self.answered :]}
            self.answered += len(self.sender.messages(KeyframeRequest)[self.answered :])
            for rid in self.active:
                self.send(rid, key=SSRCS[rid] in asked or self.number == 0)
            self.number += 1
            self.network.run(1 / 30)
        self.network.run(0.05)

    def send(self, rid, *, key):
        self.sequences[rid] += 1
        name = rid.encode()
        self.sender.send(
            payload_type=96,
            sequence=self.sequences[rid],
            timestamp=CLOCKS[rid] + self.number * 3000,
            ssrc=SSRCS[rid],
            marker=True,
            extensions=[(1, b"1"), (2, name)] if self.number < 5 else [],
            payload=self.payload(key=key, picture=self.number + SSRCS[rid] * 7, tl0=SSRCS[rid]) + name,
        )

    def shown(self):
        """Layers shown, one letter per packet."""
        return "".join(chr(p.payload[-1]) for p in self.viewer.rtp)

    def assert_seamless(self):
        packets = self.viewer.rtp
        for before, after in itertools.pairwise(packets):
            assert (after.sequence - before.sequence) & 0xFFFF == 1
            assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 120000
            switched = before.payload[-1] != after.payload[-1]
            assert after.starts_keyframe or not switched
            ids = [int.from_bytes(p.payload[2:4], "big") & 0x7FFF for p in (before, after)]
            assert (ids[1] - ids[0]) & 0x7FFF == 1


@pytest.fixture
def simulcast(network, video_in, video_out, vp8_payload):
    made = Simulcast(network, video_in, video_out, vp8_payload)
    made.viewer.mark_keyframes()
    return made


async def test_layers_are_learnt_by_rid_and_the_best_is_shown(simulcast):
    simulcast.play(2)
    assert simulcast.up.rids == ("q", "h", "f")
    assert [layer.ssrc for layer in simulcast.up.layers] == [100, 200, 300]
    assert simulcast.shown().endswith("f" * 20)
    simulcast.assert_seamless()


async def test_wished_quality_is_followed_on_keyframes(simulcast):
    simulcast.play(1.5)
    for quality, rid in ((0, "q"), (1, "h"), (2, "f"), (0, "q")):
        simulcast.down.set_max_quality(quality)
        simulcast.play(1)
        assert simulcast.down.current_quality == quality
        assert simulcast.shown()[-1] == rid
    simulcast.assert_seamless()


async def test_switch_waits_for_the_keyframe_and_shows_the_old_layer_meanwhile(simulcast):
    simulcast.play(1.5)
    simulcast.sender.rtcp.clear()
    simulcast.answered = 10_000
    simulcast.down.set_max_quality(0)
    simulcast.play(1)
    assert set(simulcast.shown()[-25:]) == {"f"}
    requests = simulcast.sender.messages(KeyframeRequest)
    assert {request.ssrc for request in requests} == {SSRCS["q"]}
    assert 2 <= len(requests) <= 4


async def test_stalled_layer_falls_back_and_returns(simulcast):
    simulcast.play(1.5)
    simulcast.active = ["q", "h"]
    simulcast.play(2.5)
    assert simulcast.shown()[-1] == "h"
    simulcast.active = ["q", "h", "f"]
    simulcast.play(1.5)
    assert simulcast.shown()[-1] == "f"
    simulcast.assert_seamless()


async def test_timestamps_of_layers_are_aligned_by_sender_reports(simulcast):
    simulcast.play(0.5)
    for rid, ssrc in SSRCS.items():
        stamp = CLOCKS[rid] + simulcast.number * 3000
        report = SenderReport(ssrc, ntp_from_unix(1_800_000_000.5), stamp, 1, 1)
        simulcast.sender.probe.send_rtcp(pack_sender_report(report, cname="x"))
    simulcast.play(1)
    simulcast.viewer.rtp.clear()
    simulcast.down.set_max_quality(0)
    simulcast.play(1)
    steps = {
        (after.timestamp - before.timestamp) & 0xFFFFFFFF
        for before, after in itertools.pairwise(simulcast.viewer.rtp)
    }
    assert set(simulcast.shown()) == {"f", "q"}
    assert steps == {3000}


async def test_lossy_viewer_gets_a_lower_layer_and_later_the_high_one_again(simulcast):
    simulcast.play(1.5)
    bad = ReportBlock(0xABCD0001, 60, 100, 1, 0, 0, 0)
    for _ in range(3):
        simulcast.viewer.probe.send_rtcp(pack_receiver_reports(1, [bad]))
        simulcast.play(0.5)
    assert simulcast.shown()[-1] == "h"
    good = ReportBlock(0xABCD0001, 0, 100, 1, 0, 0, 0)
    for _ in range(12):
        simulcast.viewer.probe.send_rtcp(pack_receiver_reports(1, [good]))
        simulcast.play(1)
    assert simulcast.shown()[-1] == "f"
    simulcast.assert_seamless()


async def test_rejected_rid_is_not_received(network, video_in, video_out, vp8_payload):
    made = Simulcast(network, video_in, video_out, vp8_payload)
    made.sender.peer.stop_receiving(made.up)
    up = made.sender.peer.receive(video_in(rids=("f",)))
    made.play(0.5)
    assert up.rids == ("f",)


async def test_repairs_are_matched_by_repaired_rid(simulcast):
    simulcast.play(0.5)
    sequence = simulcast.sequences["h"] & 0xFFFF
    simulcast.sequences["h"] += 1
    simulcast.play(0.1)
    simulcast.sender.send(
        payload_type=97,
        sequence=1,
        timestamp=CLOCKS["h"],
        ssrc=201,
        extensions=[(1, b"1"), (3, b"h")],
        payload=((sequence + 1) & 0xFFFF).to_bytes(2, "big") + simulcast.payload(),
    )
    simulcast.network.run(0.1)
    assert simulcast.sender.peer.stats().rtx_in == 1
    assert simulcast.up.layers[1].missing.is_waiting is False


async def test_section_received_anew_knows_its_layers_without_being_told_again(simulcast, video_in):
    simulcast.play(1)
    simulcast.sender.peer.stop_receiving(simulcast.up)
    simulcast.play(0.1)
    up = simulcast.sender.peer.receive(video_in(rids=("q", "h", "f")))
    simulcast.play(0.5)
    assert up.rids == ("q", "h", "f")


async def test_new_ssrc_of_a_layer_replaces_the_old_one(simulcast, monkeypatch):
    simulcast.play(1)
    monkeypatch.setitem(SSRCS, "f", 301)
    simulcast.number = 0
    simulcast.play(1)
    assert [layer.ssrc for layer in simulcast.up.layers] == [100, 200, 301]
    assert simulcast.shown()[-1] == "f"

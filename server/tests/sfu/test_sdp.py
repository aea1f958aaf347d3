"""Session descriptions: reading, writing, refusing."""

from __future__ import annotations

import pytest
from callclock_server.sfu.codecs import answered_extensions, offered_codec, publish_codecs, send_codec
from callclock_server.sfu.media import Codec
from callclock_server.sfu.sdp import MAX_SDP_BYTES, SdpError, Section, parse
from callclock_server.sfu.sdp_writer import LocalSection, LocalTransport, compose
from hypothesis import given
from hypothesis import strategies as st

from .fakes import FINGERPRINT, audio, data, offer_sdp, video

TRANSPORT = LocalTransport("ufrag", "pwd", FINGERPRINT, [("127.0.0.1", 7882), ("192.0.2.1", 7882)], "passive")


def only(text: str) -> Section:
    return parse(offer_sdp(text)).sections[0]


def test_transport_facts_are_read_from_the_session_or_the_section() -> None:
    description = parse(offer_sdp(audio("0")))
    assert (description.ufrag, description.setup) == ("abcd", "actpass")
    assert description.fingerprint == FINGERPRINT
    moved = offer_sdp(audio("0")).replace("a=ice-ufrag:abcd\r\n", "") + "a=ice-ufrag:efgh\r\n"
    assert parse(moved).ufrag == "efgh"


def test_codec_is_read_with_its_rtx_and_without_red() -> None:
    codecs = only(video("1")).codecs
    assert [codec.name for codec in codecs] == ["VP8", "H264", "H264", "VP9"]
    assert (codecs[0].payload_type, codecs[0].rtx_payload_type) == (96, 97)
    assert codecs[0].feedback == ("goog-remb", "nack", "nack pli")
    assert codecs[2].rtx_payload_type is None
    assert [codec.name for codec in only(audio("0")).codecs] == ["opus"]


def test_ssrcs_are_read_with_their_repairs() -> None:
    lines = "a=ssrc-group:FID 11 12\na=ssrc:11 cname:c\na=ssrc:11 msid:s t\na=ssrc:12 cname:c\n"
    section = only(video("1", "sendonly", more=lines))
    assert (section.ssrcs, section.rtx_ssrcs) == ((11,), {11: 12})
    assert (section.stream_id, section.track_id) == ("s", "t")


def test_simulcast_layers_are_read_low_to_high() -> None:
    lines = "a=rid:f send\na=rid:q send\na=rid:h send\na=simulcast:send f;q;h\n"
    assert only(video("1", "sendonly", more=lines)).rids == ("q", "h", "f")
    assert only(video("1", "sendonly", more="a=rid:q send\na=simulcast:send q\n")).rids == ()


def test_data_section_is_read() -> None:
    section = only(data("2"))
    assert (section.kind, section.sctp_port, section.max_message_size) == ("application", 5000, 262144)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0\r\n",
        offer_sdp(),
        offer_sdp(audio("0")).replace("a=ice-ufrag:abcd", "a=x:y"),
        offer_sdp(audio("0")).replace("a=ice-pwd", "a=icepwd"),
        offer_sdp(audio("0")).replace("a=fingerprint", "a=finger"),
        offer_sdp(audio("0")).replace("a=mid:0", "a=mid:"),
        offer_sdp(audio("0")).replace("m=audio 9", "m=audio nine"),
        offer_sdp(audio("0")).replace("m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "m=audio"),
        offer_sdp(audio("0")).replace("opus/48000/2", "opus/fast/2"),
        offer_sdp(data("0")).replace("sctp-port:5000", "sctp-port:99999"),
        offer_sdp(audio("0"), video("0")),
        offer_sdp(*(audio(str(mid)) for mid in range(300))),
        offer_sdp(audio("0")) + "a=" + "x" * MAX_SDP_BYTES,
    ],
)
def test_unusable_text_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse(text)


@given(st.text(max_size=300), st.integers(0, 2000))
def test_no_text_does_worse_than_being_refused(noise: str, cut: int) -> None:
    whole = offer_sdp(audio("0"), video("1", "sendonly", track="t"), data("2"))
    for text in (noise, whole[:cut] + noise, whole[:cut] + noise + whole[cut:]):
        try:
            parse(text)
        except SdpError:
            continue


def test_written_description_can_be_read_again() -> None:
    codec = Codec(96, "VP8", 90000, feedback=("nack",), rtx_payload_type=97)
    sent = LocalSection(
        "video",
        "1",
        "sendonly",
        (codec,),
        {"urn:ietf:params:rtp-hdrext:sdes:mid": 4},
        stream_id="PA_a|TR_b",
        track_id="TR_b",
        ssrc=11,
        rtx_ssrc=12,
        cname="PA_a",
    )
    rejected = LocalSection("video", "0", rejected=True)
    text = compose([rejected, sent, LocalSection("application", "2")], TRANSPORT, session_id=1, version=2)
    description = parse(text)
    section = description.sections[1]
    assert "a=group:BUNDLE 1 2\r\n" in text
    assert "a=ice-lite\r\n" in text
    assert text.count("a=candidate:") == 2
    assert (description.ufrag, description.setup) == ("ufrag", "passive")
    assert description.sections[0].port == 0
    assert section.codecs == (codec,)
    assert (section.ssrcs, section.rtx_ssrcs) == ((11,), {11: 12})
    assert (section.stream_id, section.track_id) == ("PA_a|TR_b", "TR_b")
    assert section.extensions == {"urn:ietf:params:rtp-hdrext:sdes:mid": 4}


def test_simulcast_is_answered_with_every_layer() -> None:
    section = LocalSection("video", "1", "recvonly", (Codec(96, "VP8", 90000),), receive_rids=("q", "h", "f"))
    text = compose([section], TRANSPORT, session_id=1, version=1)
    assert "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n" in text


@pytest.mark.parametrize(
    ("preferred", "expected"), [("", 96), ("vp8", 96), ("VP9", 98), ("h264", 106), ("av1", 96), ("h265", 96)]
)
def test_publisher_gets_the_codec_it_asked_for(preferred: str, expected: int) -> None:
    chosen = publish_codecs(only(video("1", "sendonly")), "video", preferred=preferred)
    assert [codec.payload_type for codec in chosen] == [expected]


def test_publisher_is_asked_for_known_feedback_only() -> None:
    assert publish_codecs(only(video("1", "sendonly")), "video")[0].feedback == ("nack", "nack pli")


def test_silence_may_be_left_out_unless_the_track_forbids_it() -> None:
    section = only(audio("0", "sendonly"))
    assert publish_codecs(section, "audio")[0].fmtp.endswith(";usedtx=1")
    assert "usedtx" not in publish_codecs(section, "audio", dtx=False)[0].fmtp


def test_both_channels_are_asked_for_only_where_the_track_has_them() -> None:
    section = only(audio("0", "sendonly"))
    assert "stereo=1" in publish_codecs(section, "audio", stereo=True)[0].fmtp
    assert "stereo" not in publish_codecs(section, "audio")[0].fmtp


def test_section_without_a_usable_codec_has_no_answer() -> None:
    section = only(audio("0").replace("opus", "speex"))
    assert publish_codecs(section, "audio") == ()


def test_subscriber_is_sent_its_own_payload_type_of_the_same_codec() -> None:
    section = only(video("1"))
    vp8 = Codec(120, "VP8", 90000)
    constrained = Codec(
        33, "H264", 90000, fmtp="packetization-mode=1;profile-level-id=42e034;level-asymmetry-allowed=1"
    )
    assert send_codec(section, "video", source=vp8).payload_type == 96
    assert send_codec(section, "video", source=constrained).payload_type == 106
    assert send_codec(section, "video", source=Codec(33, "H264", 90000, fmtp="packetization-mode=0")) is None
    assert send_codec(section, "video", source=Codec(45, "AV1", 90000)) is None


def test_extensions_are_answered_alike_in_used_and_unused_sections() -> None:
    # libwebrtc forgets for all later offers what one answer leaves out.
    for direction in ("recvonly", "sendonly", "inactive"):
        accepted = answered_extensions(only(video("1", direction)), "video")
        assert set(accepted.values()) == {4, 10, 11}
    assert 9 not in answered_extensions(only(audio("0")), "audio").values()


def test_offers_name_a_published_codec_in_the_servers_own_words() -> None:
    fmtp = "profile-level-id=42e01f;packetization-mode=1;x-evil=1;level-asymmetry-allowed=1 a=b"
    offered = offered_codec(Codec(120, "h264", 90000, fmtp=fmtp, feedback=("transport-cc",)), "video")
    assert (offered.name, offered.payload_type, offered.rtx_payload_type) == ("H264", 102, 103)
    assert offered.fmtp == "packetization-mode=1;profile-level-id=42e01f"
    assert "transport-cc" not in offered.feedback


@pytest.mark.parametrize("form", ["opus/8000/2", "opus/48000", "speex/48000/2"])
def test_codec_of_another_form_is_not_received(form: str) -> None:
    assert publish_codecs(only(audio("0", "sendonly").replace("opus/48000/2", form)), "audio") == ()

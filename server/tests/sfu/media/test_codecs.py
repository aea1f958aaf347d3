"""Key frame detection, VP8 ids and codec matching."""

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from callclock_server.sfu.media.codecs import keyframe_test, match_codec, parse_vp8_ids, shift_vp8_ids
from callclock_server.sfu.media.specs import Codec
from hypothesis import given
from hypothesis import strategies as st

SPS, IDR, SLICE = b"\x67\x42", b"\x65\x88", b"\x41\x9a"


@pytest.mark.parametrize(
    ("name", "payload", "starts"),
    [
        ("VP8", b"\x10\x00", True),
        ("VP8", b"\x10\x01", False),
        ("VP8", b"\x00\x00", False),
        ("VP8", b"\x11\x00", False),
        ("VP8", b"\x90\x80\x81\x02\x00", True),
        ("VP8", b"\x90\x80\x81\x02\x01", False),
        ("VP8", b"\x90\xf0\x01\x02\x00\x00", True),
        ("VP8", b"\x90\x80\x81\x02", False),
        ("VP8", b"", False),
        ("VP9", b"\x88\x80\x01", True),
        ("VP9", b"\xc8\x80\x01", False),
        ("VP9", b"\x80\x80\x01", False),
        ("VP9", b"\xa8\x80\x01\x00", True),
        ("VP9", b"\xa8\x80\x01\x02", False),
        ("VP9", b"\xa8\x80", False),
        ("H264", SPS, True),
        ("H264", SLICE, False),
        ("H264", IDR, False),
        ("H264", b"\x18\x00\x02" + SPS + b"\x00\x02" + IDR, True),
        ("H264", b"\x18\x00\x02" + SLICE, False),
        ("H264", b"\x7c\x87", True),
        ("H264", b"\x7c\x07", False),
        ("H264", b"", False),
        ("H265", b"\x40\x01\x0c\x01\xff", True),
        ("H265", b"\x02\x01\xd0\x00\x00", False),
        ("H265", b"\x60\x01\x00\x18\x40\x01", True),
        ("AV1", b"\x18\x0a", True),
        ("AV1", b"\x10\x0a", False),
        ("AV1", b"\x98\x0a", False),
        ("opus", b"anything", True),
    ],
)
def test_start_of_a_keyframe_is_recognised(name, payload, starts):
    assert keyframe_test(Codec(1, name, 90000))(payload) is starts


@given(st.sampled_from(["VP8", "VP9", "H264", "H265", "AV1", "opus"]), st.binary(max_size=40))
def test_any_payload_can_be_examined(name, payload):
    assert keyframe_test(Codec(1, name, 90000))(payload) in (True, False)
    assert len(shift_vp8_ids(payload, picture_by=9, tl0_by=3)) == len(payload)


@given(st.integers(0, 0x7FFF), st.integers(0, 255), st.integers(-70000, 70000), st.integers(-600, 600))
def test_vp8_ids_are_shifted_within_their_width(picture, tl0, picture_by, tl0_by):
    descriptor = VpxPayloadDescriptor(
        partition_start=1, partition_id=0, picture_id=picture, tl0picidx=tl0, tid=(1, 0), keyidx=3
    )
    shifted = shift_vp8_ids(bytes(descriptor) + b"frame", picture_by=picture_by, tl0_by=tl0_by)
    after, rest = VpxPayloadDescriptor.parse(shifted)
    bits = 0x7FFF if bytes(descriptor)[2] & 0x80 else 0x7F
    assert rest == b"frame"
    assert (after.picture_id, after.tl0picidx) == ((picture + picture_by) & bits, (tl0 + tl0_by) & 0xFF)
    assert (after.tid, after.keyidx) == ((1, 0), 3)


def test_payload_without_ids_is_left_alone():
    assert parse_vp8_ids(b"\x10\x00\x01\x02") is None
    assert shift_vp8_ids(b"\x10\x00\x01\x02", picture_by=1, tl0_by=1) == b"\x10\x00\x01\x02"


def h264(payload_type, profile, mode):
    return Codec(payload_type, "H264", 90000, 1, f"packetization-mode={mode};profile-level-id={profile}")


def test_codec_is_matched_by_format_then_by_name():
    offered = [h264(1, "42e01f", 0), h264(2, "42e034", 1), h264(3, "640c1f", 1), Codec(4, "vp8", 90000)]
    assert match_codec(h264(9, "42e01f", 1), offered).payload_type == 2
    assert match_codec(h264(9, "640c2a", 1), offered).payload_type == 3
    assert match_codec(h264(9, "4d001f", 1), offered).payload_type == 1
    assert match_codec(Codec(9, "VP8", 90000), offered).payload_type == 4
    assert match_codec(Codec(9, "AV1", 90000), offered) is None

"""RTP parsing and packing."""

import pytest
from aiortc.rtp import HeaderExtensionsMap
from aiortc.rtp import RtpPacket as ReferencePacket
from callclock_server.sfu.media.rtp import (
    SequenceUnwrapper,
    is_rtcp,
    pack_extensions,
    pack_rtp,
    parse_rtp,
    timestamp_difference,
    unwrap_rtx,
)
from hypothesis import given
from hypothesis import strategies as st

FIELDS = {"payload_type": 96, "sequence": 7, "timestamp": 90000, "ssrc": 0xDEADBEEF}


@pytest.mark.parametrize(
    "extensions",
    [[], [(1, b"0")], [(1, b"0"), (3, b"\x12\x34")], [(20, b"abc")], [(2, bytes(20)), (3, b"")]],
)
def test_packets_survive_packing_and_parsing(extensions):
    packet = parse_rtp(pack_rtp(**FIELDS, payload=b"media", marker=True, extensions=extensions))
    assert (packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc) == (96, 7, 90000, 0xDEADBEEF)
    assert (packet.marker, packet.payload, dict(packet.extensions)) == (0x80, b"media", dict(extensions))


def test_padding_is_taken_off():
    assert parse_rtp(pack_rtp(**FIELDS, payload=b"media", padding=9)).payload == b"media"
    assert parse_rtp(pack_rtp(**FIELDS, payload=b"", padding=255)).payload == b""


def test_another_implementation_reads_our_packets():
    data = pack_rtp(**FIELDS, payload=b"media", marker=True, extensions=[(1, b"0")])
    packet = ReferencePacket.parse(data, HeaderExtensionsMap())
    assert (packet.payload, packet.marker, packet.sequence_number) == (b"media", 1, 7)


def test_contributing_sources_are_skipped():
    data = bytearray(pack_rtp(**FIELDS, payload=b"media"))
    data[0] |= 2
    assert parse_rtp(bytes(data[:12]) + bytes(8) + b"media").payload == b"media"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(20),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(12),
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x09" + bytes(8),
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x01\x1f\x00\x00\x00",
        b"\x90" + bytes(11) + b"\x10\x00\x00\x01\x00\x00\x00\x05",
        b"\xa0" + bytes(12),
        b"\xa0" + bytes(11) + b"\x02",
    ],
)
def test_malformed_packets_are_refused(data):
    with pytest.raises(ValueError, match="RTP"):
        parse_rtp(data)


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_raise_value_error(data):
    try:
        parse_rtp(b"\x90" + data)
    except ValueError:
        return


def test_rtcp_is_told_from_rtp():
    assert is_rtcp(b"\x80\xc8")
    assert not is_rtcp(b"\x80\x60")
    assert not is_rtcp(b"\x80")


def test_retransmission_becomes_the_original():
    rtx = parse_rtp(pack_rtp(**FIELDS, payload=b"\x12\x34media"))
    original = unwrap_rtx(rtx, payload_type=100, ssrc=5)
    assert original is not None
    assert (original.sequence, original.payload, original.payload_type, original.ssrc) == (
        0x1234,
        b"media",
        100,
        5,
    )
    assert unwrap_rtx(parse_rtp(pack_rtp(**FIELDS, payload=b"")), payload_type=1, ssrc=5) is None


@given(st.lists(st.integers(-3000, 3000), max_size=60), st.integers(0, 0xFFFF))
def test_unwrapping_follows_any_walk(steps, start):
    unwrapper = SequenceUnwrapper()
    position = start + 0x10000
    assert unwrapper.unwrap(start) == position
    for step in steps:
        position += step
        assert unwrapper.unwrap(position & 0xFFFF) == position


def test_timestamp_difference_wraps():
    assert timestamp_difference(5, 0xFFFFFFFE) == 7
    assert timestamp_difference(0xFFFFFFFE, 5) == -7


def test_no_extensions_take_no_room():
    assert pack_extensions([]) == b""

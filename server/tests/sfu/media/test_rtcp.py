"""RTCP, read and written against aiortc's implementation."""

import pytest
from aiortc import rtp as reference
from callclock_server.sfu.media.rtcp import (
    KeyframeRequest,
    Nack,
    ReportBlock,
    SenderReport,
    ntp_difference,
    ntp_from_unix,
    ntp_middle,
    pack_nack,
    pack_pli,
    pack_receiver_reports,
    pack_sender_report,
    parse_rtcp,
)
from hypothesis import given
from hypothesis import strategies as st

BLOCK = ReportBlock(5, 200, -3, 70000, 12, 0x11223344, 65536)


def test_sender_report_is_read_by_another_implementation():
    data = pack_sender_report(SenderReport(7, 1 << 60, 1234, 5, 600), cname="room")
    report, description = reference.RtcpPacket.parse(data)
    assert (report.ssrc, report.sender_info.ntp_timestamp) == (7, 1 << 60)
    assert (report.sender_info.rtp_timestamp, report.sender_info.octet_count) == (1234, 600)
    assert description.chunks[0].items == [(1, b"room")]


@pytest.mark.parametrize("cname", ["", "a", "ab", "abc", "abcd"])
def test_sender_report_comes_back(cname):
    report = SenderReport(7, 1 << 60, 1234, 5, 600)
    assert parse_rtcp(pack_sender_report(report, cname=cname)) == [report]


def test_receiver_reports_come_back_and_are_split_at_31():
    blocks = [BLOCK] * 40
    data = pack_receiver_reports(1, blocks)
    assert parse_rtcp(data) == blocks
    assert [len(packet.reports) for packet in reference.RtcpPacket.parse(data)] == [31, 9]
    assert reference.RtcpPacket.parse(pack_receiver_reports(1, []))[0].reports == []


@given(st.sets(st.integers(0, 0xFFFF), min_size=1, max_size=60))
def test_nacks_come_back(sequences):
    data = pack_nack(1, 9, sorted(sequences))
    (message,) = parse_rtcp(data)
    assert isinstance(message, Nack)
    assert (message.ssrc, set(message.sequences)) == (9, sequences)
    assert set(reference.RtcpPacket.parse(data)[0].lost) == sequences


def test_nack_over_the_wrap_is_one_item():
    data = pack_nack(1, 9, [65535, 0, 3])
    assert len(data) == 16
    assert parse_rtcp(data) == [Nack(9, (65535, 0, 3))]


def test_keyframe_requests_are_read_in_both_forms():
    assert parse_rtcp(pack_pli(1, 9)) == [KeyframeRequest(9)]
    fir = b"\x84\xce\x00\x04" + bytes(8) + (9).to_bytes(4, "big") + b"\x01\x00\x00\x00"
    assert parse_rtcp(fir) == [KeyframeRequest(9)]


def test_compound_packets_are_read_and_strangers_skipped():
    remb = b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + bytes(4)
    goodbye = b"\x81\xcb\x00\x01" + bytes(4)
    data = pack_receiver_reports(1, [BLOCK]) + remb + goodbye + pack_pli(1, 2)
    assert parse_rtcp(data) == [BLOCK, KeyframeRequest(2)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\xc8",
        b"\x80\xc8\x00\x09" + bytes(4),
        b"\x80\xc8\x00\x01" + bytes(4),
        b"\x85\xc9\x00\x01" + bytes(4),
        b"\x81\xcd\x00\x00",
        b"\x81\xce\x00\x01" + bytes(4),
        b"\x00\xc9\x00\x01" + bytes(4),
    ],
)
def test_malformed_packets_are_refused(data):
    with pytest.raises(ValueError, match="RTCP"):
        parse_rtcp(data)


@given(st.integers(0x80, 0x9F), st.integers(200, 206), st.binary(max_size=120))
def test_any_bytes_parse_or_raise_value_error(first, kind, body):
    body = body[: len(body) // 4 * 4]
    try:
        parse_rtcp(bytes((first, kind)) + (len(body) // 4).to_bytes(2, "big") + body)
    except ValueError:
        return


def test_ntp_arithmetic():
    assert ntp_from_unix(0) == 2208988800 << 32
    assert ntp_difference(ntp_from_unix(10.5), ntp_from_unix(9)) == pytest.approx(1.5)
    assert ntp_difference(ntp_from_unix(9), ntp_from_unix(10.5)) == pytest.approx(-1.5)
    assert ntp_middle(0x1122334455667788) == 0x33445566

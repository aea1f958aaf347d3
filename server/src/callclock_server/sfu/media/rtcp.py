"""RTCP (RFC 3550, RFC 4585, RFC 5104): the few packets that a forwarding server reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION = 200, 201, 202
RTP_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
_NACK, _PLI, _FIR, _TRANSPORT_CC = 1, 1, 4, 15
_MAX_REPORTS = 31
_NTP_EPOCH = 2208988800  # seconds from 1900 to 1970

_HEADER = Struct("!BBH")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_TWO_WORDS = Struct("!II")
_NACK_ITEM = Struct("!HH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver saw of one SSRC. `lost` counts since the start, `fraction_lost` is 0..255."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    delay_since_report: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A sender's clock pair: 64-bit NTP time and the RTP timestamp of the same instant."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers that a receiver misses."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A PLI or FIR."""

    ssrc: int


RtcpMessage = ReportBlock | SenderReport | Nack | KeyframeRequest


def parse_rtcp(data: bytes) -> list[RtcpMessage]:
    """Parse a compound packet, skipping kinds of no use here. Raises ValueError for anything malformed."""
    messages: list[RtcpMessage] = []
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise ValueError("RTCP header is truncated")
        first, kind, words = _HEADER.unpack_from(data, position)
        end = position + 4 * (words + 1)
        if first & 0xC0 != 0x80 or end > len(data):
            raise ValueError("RTCP packet is malformed")
        body = data[position + 4 : end]
        position = end
        if kind == SENDER_REPORT:
            messages += _parse_sender_report(body, count=first & 0x1F)
        elif kind == RECEIVER_REPORT:
            messages += _parse_blocks(body[4:], count=first & 0x1F)
        elif kind == RTP_FEEDBACK and first & 0x1F == _NACK:
            messages += _parse_nack(body)
        elif kind == PAYLOAD_FEEDBACK:
            messages += _parse_keyframe_request(body, form=first & 0x1F)
    return messages


def _parse_sender_report(body: bytes, *, count: int) -> list[RtcpMessage]:
    if len(body) < _SENDER_INFO.size:
        raise ValueError("RTCP sender report is truncated")
    report = SenderReport(*_SENDER_INFO.unpack_from(body))
    return [report, *_parse_blocks(body[_SENDER_INFO.size :], count=count)]


def _parse_blocks(body: bytes, *, count: int) -> list[RtcpMessage]:
    if len(body) < count * _BLOCK.size:
        raise ValueError("RTCP report blocks are truncated")
    blocks: list[RtcpMessage] = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, index * _BLOCK.size)
        lost = loss & 0xFFFFFF
        signed = lost - 0x1000000 if lost & 0x800000 else lost
        blocks.append(ReportBlock(ssrc, loss >> 24, signed, highest, jitter, last, delay))
    return blocks


def _parse_nack(body: bytes) -> list[RtcpMessage]:
    if len(body) < 8:
        raise ValueError("RTCP feedback is truncated")
    _, ssrc = _TWO_WORDS.unpack_from(body)
    sequences: list[int] = []
    for pid, mask in _NACK_ITEM.iter_unpack(body[8:]):
        sequences.append(pid)
        sequences += [(pid + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return [Nack(ssrc, tuple(sequences))]


def _parse_keyframe_request(body: bytes, *, form: int) -> list[RtcpMessage]:
    if len(body) < 8:
        raise ValueError("RTCP feedback is truncated")
    if form == _PLI:
        return [KeyframeRequest(_TWO_WORDS.unpack_from(body)[1])]
    if form == _FIR:
        whole = len(body) - len(body) % 8
        return [KeyframeRequest(ssrc) for ssrc, _ in _TWO_WORDS.iter_unpack(body[8:whole])]
    return []


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def pack_sender_report(report: SenderReport, *, cname: str) -> bytes:
    """Build a sender report followed by the source description that names its CNAME."""
    info = _SENDER_INFO.pack(
        report.ssrc,
        report.ntp,
        report.timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    name = cname.encode()[:255]
    item = report.ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name + b"\0"
    description = item.ljust((len(item) + 3) // 4 * 4, b"\0")
    return _packet(SENDER_REPORT, 0, info) + _packet(SOURCE_DESCRIPTION, 1, description)


def pack_receiver_reports(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    """Build receiver reports for any number of blocks (one empty report for none)."""
    packets = []
    for start in range(0, max(len(blocks), 1), _MAX_REPORTS):
        part = blocks[start : start + _MAX_REPORTS]
        body = sender.to_bytes(4, "big") + b"".join(map(_pack_block, part))
        packets.append(_packet(RECEIVER_REPORT, len(part), body))
    return b"".join(packets)


def _pack_block(block: ReportBlock) -> bytes:
    lost = max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
    return _BLOCK.pack(
        block.ssrc,
        block.fraction_lost << 24 | lost,
        block.highest_sequence & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_report,
        block.delay_since_report & 0xFFFFFFFF,
    )


def pack_nack(sender: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """Build a generic NACK; sequences are 16-bit numbers in rising order."""
    items: list[tuple[int, int]] = []
    for sequence in sequences:
        distance = (sequence - items[-1][0]) & 0xFFFF if items else 0
        if items and 1 <= distance <= 16:
            items[-1] = (items[-1][0], items[-1][1] | 1 << (distance - 1))
        else:
            items.append((sequence, 0))
    body = _TWO_WORDS.pack(sender, ssrc) + b"".join(_NACK_ITEM.pack(*item) for item in items)
    return _packet(RTP_FEEDBACK, _NACK, body)


def pack_pli(sender: int, ssrc: int) -> bytes:
    """Build a picture loss indication: a request for a key frame."""
    return _packet(PAYLOAD_FEEDBACK, _PLI, _TWO_WORDS.pack(sender, ssrc))


def pack_transport_feedback(sender: int, ssrc: int, body: bytes) -> bytes:
    """Wrap the body of a transport-wide congestion control report."""
    return _packet(RTP_FEEDBACK, _TRANSPORT_CC, _TWO_WORDS.pack(sender, ssrc) + body)


def ntp_from_unix(seconds: float) -> int:
    """Convert Unix seconds to a 64-bit NTP timestamp."""
    return int((seconds + _NTP_EPOCH) * 0x100000000) & 0xFFFFFFFFFFFFFFFF


def ntp_difference(later: int, earlier: int) -> float:
    """Seconds between two 64-bit NTP timestamps."""
    delta = (later - earlier) & 0xFFFFFFFFFFFFFFFF
    if delta & 0x8000000000000000:
        delta -= 0x10000000000000000
    return delta / 0x100000000


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits, by which a report block names a sender report."""
    return ntp >> 16 & 0xFFFFFFFF

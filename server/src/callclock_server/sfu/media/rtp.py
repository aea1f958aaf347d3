"""RTP packets (RFC 3550) and their header extensions (RFC 8285), parsed once and never decoded further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

HEADER = Struct("!BBHII")
_EXTENSION_HEADER = Struct("!HH")
_ONE_BYTE_PROFILE = 0xBEDE
_NO_EXTENSIONS: Mapping[int, bytes] = {}


class RtpPacket:
    """One media packet. `sequence` and `timestamp` are the sender's; padding is already taken off.

    `number` is the layer's own gapless, unwrapped sequence number; the layer that owns the packet sets
    it, and `starts_keyframe` as well.
    """

    __slots__ = (
        "extensions",
        "marker",
        "number",
        "payload",
        "payload_type",
        "sequence",
        "ssrc",
        "starts_keyframe",
        "timestamp",
    )

    def __init__(
        self,
        *,
        payload_type: int,
        marker: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        extensions: Mapping[int, bytes],
        payload: bytes,
    ) -> None:
        self.payload_type = payload_type
        self.marker = marker
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.extensions = extensions
        self.payload = payload
        self.number = 0
        self.starts_keyframe = False


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on a shared port (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse_rtp(data: bytes) -> RtpPacket:
    """Parse one decrypted RTP packet. Raises ValueError for anything malformed."""
    size = len(data)
    if size < 12:
        raise ValueError("RTP packet is shorter than its header")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first & 0xC0 != 0x80:
        raise ValueError("not RTP version 2")
    position = 12 + 4 * (first & 0x0F)
    extensions = _NO_EXTENSIONS
    if first & 0x10:
        if position + 4 > size:
            raise ValueError("RTP header extension is truncated")
        profile, words = _EXTENSION_HEADER.unpack_from(data, position)
        start = position + 4
        position = start + 4 * words
        if position > size:
            raise ValueError("RTP header extension is truncated")
        extensions = _parse_extensions(data, profile, start, position)
    end = size - data[-1] if first & 0x20 else size
    if position > end or (first & 0x20 and not data[-1]):
        raise ValueError("RTP padding is longer than the packet")
    return RtpPacket(
        payload_type=second & 0x7F,
        marker=second & 0x80,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        extensions=extensions,
        payload=data[position:end],
    )


def _parse_extensions(data: bytes, profile: int, position: int, end: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    one_byte = profile == _ONE_BYTE_PROFILE
    if not one_byte and profile & 0xFFF0 != 0x1000:
        return found
    while position < end:
        head = data[position]
        position += 1
        if head == 0:
            continue
        if one_byte:
            identifier, length = head >> 4, (head & 0x0F) + 1
            if identifier == 15:
                break
        else:
            if position >= end:
                raise ValueError("RTP header extension is truncated")
            identifier, length = head, data[position]
            position += 1
        if position + length > end:
            raise ValueError("RTP header extension is truncated")
        found[identifier] = data[position : position + length]
        position += length
    return found


def pack_extensions(elements: list[tuple[int, bytes]]) -> bytes:
    """Pack header extensions, in the one-byte form where ids and lengths allow (RFC 8285 section 4)."""
    if not elements:
        return b""
    if all(0 < identifier < 15 and 0 < len(value) <= 16 for identifier, value in elements):
        profile = _ONE_BYTE_PROFILE
        body = b"".join(bytes(((i << 4) | (len(v) - 1),)) + v for i, v in elements)
    else:
        profile = 0x1000
        body = b"".join(bytes((i, len(v))) + v for i, v in elements)
    words = (len(body) + 3) // 4
    return _EXTENSION_HEADER.pack(profile, words) + body.ljust(4 * words, b"\0")


def pack_rtp(
    *,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
    extensions: Sequence[tuple[int, bytes]] = (),
    padding: int = 0,
) -> bytes:
    """Build a packet; `padding` bytes (1..255) are added behind the payload."""
    block = pack_extensions(list(extensions))
    first = 0x80 | (0x10 if block else 0) | (0x20 if padding else 0)
    head = HEADER.pack(
        first,
        (0x80 if marker else 0) | payload_type,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return head + block + payload + tail


def unwrap_rtx(packet: RtpPacket, *, payload_type: int, ssrc: int) -> RtpPacket | None:
    """Turn a retransmission (RFC 4588) into the original packet; None for one that is only padding."""
    if len(packet.payload) < 3:
        return None
    return RtpPacket(
        payload_type=payload_type,
        marker=packet.marker,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        timestamp=packet.timestamp,
        ssrc=ssrc,
        extensions=packet.extensions,
        payload=packet.payload[2:],
    )


class SequenceUnwrapper:
    """Extends 16-bit sequence numbers to integers that never wrap (starting one cycle above zero)."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, sequence: int) -> int:
        """Return the unwrapped number nearest to the one returned before."""
        if self._last is None:
            self._last = sequence + 0x10000
            return self._last
        delta = (sequence - self._last) & 0xFFFF
        if delta >= 0x8000:
            delta -= 0x10000
        self._last += delta
        return self._last


def timestamp_difference(later: int, earlier: int) -> int:
    """Signed distance between two 32-bit RTP timestamps."""
    delta = (later - earlier) & 0xFFFFFFFF
    return delta - 0x100000000 if delta & 0x80000000 else delta

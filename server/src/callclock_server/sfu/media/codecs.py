"""What forwarding has to know of a codec: where a key frame starts, and which payload types match."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from callclock_server.sfu.media.specs import Codec

_H264_SPS, _H264_STAP_A, _H264_FU_A = 7, 24, 28
_H265_PARAMETER_SETS = range(32, 35)
_H265_AGGREGATION = 48


class Vp8Ids(NamedTuple):
    """Where the running ids stand in a VP8 payload descriptor, and what they are."""

    position: int
    picture: int
    wide: bool
    tl0: int | None


def parse_vp8_ids(payload: bytes) -> Vp8Ids | None:
    """Find picture id and TL0PICIDX of a VP8 payload (RFC 7741 section 4.2); None where there are none."""
    if len(payload) < 4 or not payload[0] & 0x80 or not payload[1] & 0x80:
        return None
    wide = bool(payload[2] & 0x80)
    after = 4 if wide else 3
    picture = ((payload[2] & 0x7F) << 8) | payload[3] if wide else payload[2]
    has_tl0 = payload[1] & 0x40 and len(payload) > after
    return Vp8Ids(position=2, picture=picture, wide=wide, tl0=payload[after] if has_tl0 else None)


def shift_vp8_ids(payload: bytes, *, picture_by: int, tl0_by: int) -> bytes:
    """Return the payload with picture id and TL0PICIDX (where it has them) moved on by the given amounts."""
    ids = parse_vp8_ids(payload)
    if ids is None:
        return payload
    end = ids.position + (2 if ids.wide else 1)
    if ids.wide:
        new = (((ids.picture + picture_by) & 0x7FFF) | 0x8000).to_bytes(2, "big")
    else:
        new = bytes(((ids.picture + picture_by) & 0x7F,))
    if ids.tl0 is not None:
        new += bytes(((ids.tl0 + tl0_by) & 0xFF,))
        end += 1
    return payload[: ids.position] + new + payload[end:]


def _vp8_starts_keyframe(payload: bytes) -> bool:
    if not payload or payload[0] & 0x17 != 0x10:  # S=1 and partition 0
        return False
    position = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags = payload[1]
        position = 2
        if flags & 0x80:
            position += 2 if len(payload) > 2 and payload[2] & 0x80 else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)
    return len(payload) > position and not payload[position] & 0x01


def _vp9_starts_keyframe(payload: bytes) -> bool:
    if not payload or payload[0] & 0x48 != 0x08:  # P=0 and B=1, RFC 9628 section 4.2
        return False
    if not payload[0] & 0x20:
        return True
    position = 1
    if payload[0] & 0x80:
        position += 2 if len(payload) > 1 and payload[1] & 0x80 else 1
    return len(payload) > position and not (payload[position] >> 1) & 0x07


def _h264_starts_keyframe(payload: bytes) -> bool:
    # WebRTC senders repeat the SPS before every IDR; an IDR without it could not be decoded after a switch.
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _H264_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == _H264_SPS
    if kind != _H264_STAP_A:
        return kind == _H264_SPS
    position = 1
    while position + 2 < len(payload):
        if payload[position + 2] & 0x1F == _H264_SPS:
            return True
        position += 2 + int.from_bytes(payload[position : position + 2], "big")
    return False


def _h265_starts_keyframe(payload: bytes) -> bool:
    if len(payload) < 5:
        return False
    kind = (payload[0] >> 1) & 0x3F
    if kind == _H265_AGGREGATION:
        kind = (payload[4] >> 1) & 0x3F
    return kind in _H265_PARAMETER_SETS


def _av1_starts_keyframe(payload: bytes) -> bool:
    # Aggregation header: N = first packet of a coded video sequence, Z = continues an earlier OBU.
    return bool(payload) and payload[0] & 0x88 == 0x08


_KEYFRAME_STARTS: dict[str, Callable[[bytes], bool]] = {
    "vp8": _vp8_starts_keyframe,
    "vp9": _vp9_starts_keyframe,
    "h264": _h264_starts_keyframe,
    "h265": _h265_starts_keyframe,
    "av1": _av1_starts_keyframe,
}


def keyframe_test(codec: Codec) -> Callable[[bytes], bool]:
    """Return the test "does this payload start a key frame" (always true for audio and unknown codecs)."""
    return _KEYFRAME_STARTS.get(codec.name.lower(), lambda payload: True)


def _format(codec: Codec) -> tuple[object, ...]:
    parameters = dict(
        item.strip().lower().partition("=")[::2] for item in codec.fmtp.split(";") if item.strip()
    )
    name = codec.name.lower()
    if name == "h264":
        profile = parameters.get("profile-level-id", "42e01f")[:4]
        return (name, parameters.get("packetization-mode", "0"), profile)
    if name == "vp9":
        return (name, parameters.get("profile-id", "0"))
    return (name, codec.clock_rate)


def match_codec(codec: Codec, offered: Iterable[Codec]) -> Codec | None:
    """Find the receiver's codec that can decode the sender's: same format first, then the same name."""
    by_name = [other for other in offered if other.name.lower() == codec.name.lower()]
    exact = [other for other in by_name if _format(other) == _format(codec)]
    return next(iter(exact or by_name), None)

"""What signalling tells the media plane about one m-section, and what the plane reports back.

Everything here is a frozen value: signalling builds it from SDP, the plane never changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["audio", "video"]

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
VIDEO_ORIENTATION_URI = "urn:3gpp:video-orientation"
PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
VIDEO_CONTENT_TYPE_URI = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"
COLOR_SPACE_URI = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"
ABS_CAPTURE_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
DEPENDENCY_DESCRIPTOR_URI = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

RECEIVE_EXTENSIONS: Mapping[Kind, tuple[str, ...]] = {
    "audio": (MID_URI, AUDIO_LEVEL_URI, TRANSPORT_CC_URI, ABS_CAPTURE_TIME_URI),
    "video": (
        MID_URI,
        RID_URI,
        REPAIRED_RID_URI,
        TRANSPORT_CC_URI,
        VIDEO_ORIENTATION_URI,
        PLAYOUT_DELAY_URI,
        VIDEO_CONTENT_TYPE_URI,
        COLOR_SPACE_URI,
        ABS_CAPTURE_TIME_URI,
        DEPENDENCY_DESCRIPTOR_URI,
    ),
}
"""Header extensions worth accepting in an m-section that the client sends."""

SEND_EXTENSIONS: Mapping[Kind, tuple[str, ...]] = {
    "audio": (MID_URI, AUDIO_LEVEL_URI, ABS_CAPTURE_TIME_URI),
    "video": (
        MID_URI,
        VIDEO_ORIENTATION_URI,
        PLAYOUT_DELAY_URI,
        VIDEO_CONTENT_TYPE_URI,
        COLOR_SPACE_URI,
        ABS_CAPTURE_TIME_URI,
        DEPENDENCY_DESCRIPTOR_URI,
    ),
}
"""Header extensions worth accepting in an m-section that the client receives; others are never sent."""

RECEIVE_FEEDBACK: Mapping[Kind, tuple[str, ...]] = {
    "audio": ("transport-cc",),
    "video": ("transport-cc", "ccm fir", "nack", "nack pli"),
}
"""`a=rtcp-fb` values worth accepting in an m-section that the client sends."""

SEND_FEEDBACK: Mapping[Kind, tuple[str, ...]] = {
    "audio": (),
    "video": ("ccm fir", "nack", "nack pli"),
}
"""`a=rtcp-fb` values worth accepting in an m-section that the client receives."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec of an m-section as negotiated; RTX is a payload type of it, not a codec of its own."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiveSpec:
    """One m-section that the client sends.

    `ssrcs` are the primary SSRCs of `a=ssrc` lines in the order low to high quality (usually one, none
    with RID simulcast); `rtx_ssrcs` maps a primary SSRC to its repair SSRC (`a=ssrc-group:FID`); `rids`
    are the accepted simulcast ids from low to high quality.
    """

    kind: Kind
    mid: str
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int] = field(default_factory=dict)
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendSpec:
    """One m-section that the client receives, in the client's own payload types and extension ids."""

    kind: Kind
    mid: str
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int] = field(default_factory=dict)
    ssrc: int = 0
    rtx_ssrc: int | None = None
    cname: str = ""


@dataclass(frozen=True, slots=True)
class PeerStats:
    """Counters of one peer since it was made; `in` is what the client sent to the server."""

    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    nacks_in: int = 0
    nacks_out: int = 0
    plis_in: int = 0
    plis_out: int = 0
    rtx_in: int = 0
    rtx_out: int = 0
    lost_in: int = 0
    loss_out: float = 0.0
    round_trip_seconds: float | None = None

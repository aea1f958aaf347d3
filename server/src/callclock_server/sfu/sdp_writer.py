"""Session descriptions of the server: offers and answers as text (`sdp` reads those of clients).

The server is ICE-lite and lists its candidates itself; everything is bundled on one transport
(RFC 9143) with RTCP multiplexed (RFC 5761).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from callclock_server.sfu.media import Codec
from callclock_server.sfu.sdp import DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_SCTP_PORT, Direction


@dataclass(frozen=True, slots=True)
class LocalSection:
    """One m-section that the server writes; `kind` "application" carries the data channels."""

    kind: str
    mid: str
    direction: Direction = "inactive"
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)
    receive_rids: tuple[str, ...] = ()
    stream_id: str = ""
    track_id: str = ""
    ssrc: int | None = None
    rtx_ssrc: int | None = None
    cname: str = ""
    sctp_port: int = DEFAULT_SCTP_PORT
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """What the server says of its end: ICE-lite, host candidates, the certificate, the DTLS role."""

    ufrag: str
    pwd: str
    fingerprint: str
    candidates: Sequence[tuple[str, int]]
    setup: Literal["actpass", "passive"]


def compose(
    sections: Sequence[LocalSection], transport: LocalTransport, *, session_id: int, version: int
) -> str:
    """Write an offer or answer in which the server is ICE-lite and lists its candidates itself."""
    bundled = [section.mid for section in sections if not section.rejected]
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    if bundled:
        lines.insert(4, "a=group:BUNDLE " + " ".join(bundled))
    for section in sections:
        with_candidates = bool(bundled) and section.mid == bundled[0]
        lines += _compose_section(section, transport, with_candidates=with_candidates)
    return "\r\n".join(lines) + "\r\n"


def _compose_section(section: LocalSection, transport: LocalTransport, *, with_candidates: bool) -> list[str]:
    data = section.kind == "application"
    port = 0 if section.rejected else 9
    if data:
        lines = [f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel"]
    else:
        lines = [f"m={section.kind} {port} UDP/TLS/RTP/SAVPF {_payload_types(section)}"]
    lines += ["c=IN IP4 0.0.0.0", f"a=mid:{section.mid}"]
    if section.rejected:
        return [*lines, "a=inactive"]
    if with_candidates:
        lines += [_candidate(index, *address) for index, address in enumerate(transport.candidates)]
        lines.append("a=end-of-candidates")
    lines += [
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.pwd}",
        f"a=fingerprint:{transport.fingerprint}",
        f"a=setup:{transport.setup}",
    ]
    if data:
        return [*lines, f"a=sctp-port:{section.sctp_port}", f"a=max-message-size:{DEFAULT_MAX_MESSAGE_SIZE}"]
    return lines + _compose_media(section)


def _compose_media(section: LocalSection) -> list[str]:
    lines = ["a=rtcp-mux", "a=rtcp-rsize", f"a={section.direction}"]
    lines += [f"a=extmap:{number} {uri}" for uri, number in section.extensions.items()]
    for codec in section.codecs:
        lines += _compose_codec(codec)
    if section.receive_rids:
        lines += [f"a=rid:{rid} recv" for rid in section.receive_rids]
        lines.append("a=simulcast:recv " + ";".join(section.receive_rids))
    if section.ssrc is not None:
        lines.append(f"a=msid:{section.stream_id} {section.track_id}")
        if section.rtx_ssrc is not None:
            lines.append(f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}")
        for ssrc in (section.ssrc, section.rtx_ssrc):
            if ssrc is not None:
                lines.append(f"a=ssrc:{ssrc} cname:{section.cname}")
                lines.append(f"a=ssrc:{ssrc} msid:{section.stream_id} {section.track_id}")
    return lines


def _compose_codec(codec: Codec) -> list[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    lines = [f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{codec.payload_type} {feedback}" for feedback in codec.feedback]
    if codec.fmtp:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={codec.payload_type}")
    return lines


def _payload_types(section: LocalSection) -> str:
    numbers: list[int] = []
    for codec in section.codecs:
        numbers.append(codec.payload_type)
        if codec.rtx_payload_type is not None:
            numbers.append(codec.rtx_payload_type)
    return " ".join(map(str, numbers)) or "0"


def _candidate(index: int, ip: str, port: int) -> str:
    # RFC 8445 section 5.1.2.1: type preference 126 (host), a lower local preference per address.
    priority = (126 << 24) + ((65535 - index) << 8) + 255
    return f"a=candidate:{index + 1} 1 udp {priority} {ip} {port} typ host"

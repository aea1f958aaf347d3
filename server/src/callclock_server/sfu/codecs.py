"""Which codecs, header extensions and feedback an m-section gets. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from callclock_server.sfu.media import (
    RECEIVE_EXTENSIONS,
    RECEIVE_FEEDBACK,
    SEND_EXTENSIONS,
    SEND_FEEDBACK,
    Codec,
    Kind,
)
from callclock_server.sfu.sdp import Section, format_parameters

PUBLISH_MIME_TYPES = ("audio/opus", "video/VP8", "video/H264", "video/VP9", "video/AV1")
"""What a client may publish, as told in the join response."""

_PREFERENCE: Mapping[Kind, tuple[str, ...]] = {
    "audio": ("opus",),
    "video": ("vp8", "h264", "vp9", "av1"),
}
_FORMS: Mapping[str, tuple[str, int, int]] = {
    "opus": ("opus", 48000, 2),
    "vp8": ("VP8", 90000, 1),
    "vp9": ("VP9", 90000, 1),
    "h264": ("H264", 90000, 1),
    "av1": ("AV1", 90000, 1),
}
"""Name, clock rate in Hz and channels as registered; a client that says otherwise is not understood."""

_FORMAT_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "opus": ("minptime", "useinbandfec", "stereo", "sprop-stereo"),
    "vp9": ("profile-id",),
    "h264": ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    "av1": ("level-idx", "profile", "tier"),
}
_PLAIN_VALUE = re.compile(r"[0-9A-Za-z]{1,12}")
_OFFERED_PAYLOAD_TYPES = {"opus": 111, "vp8": 96, "vp9": 98, "h264": 102, "av1": 45}
"""Payload types in offers that the server makes; the repeating RTX has the next number."""

RESTING_CODECS: Mapping[Kind, Codec] = {
    "audio": Codec(
        payload_type=111, name="opus", clock_rate=48000, channels=2, fmtp="minptime=10;useinbandfec=1"
    ),
    "video": Codec(payload_type=96, name="VP8", clock_rate=90000, rtx_payload_type=97),
}
"""What an inactive section of an offer names, since a section without a codec is not valid."""

_H264_BASELINE = "42e01f"


def publish_codecs(
    section: Section, kind: Kind, *, preferred: str = "", dtx: bool = True, stereo: bool = False
) -> tuple[Codec, ...]:
    """Choose the one codec that a client shall send in `section`; empty when none is usable.

    The answer names only this codec: a client that reads several would send the first of its own
    offer, whatever the application asked for (livekit-client does not reorder its offer).
    """
    names = [name for name in (preferred.lower(), *_PREFERENCE[kind]) if name in _PREFERENCE[kind]]
    for name in names:
        candidates = [codec for codec in section.codecs if _has_form(codec, name)]
        if candidates:
            chosen = max(candidates, key=_fitness)
            return (_answered(chosen, RECEIVE_FEEDBACK[kind], dtx=dtx, stereo=stereo),)
    return ()


def send_codec(section: Section, kind: Kind, *, source: Codec) -> Codec | None:
    """The subscriber's own entry for the codec that the publisher sends, None when it has none."""
    same = [codec for codec in section.codecs if _decodes(codec, source)]
    if not same:
        return None
    return _answered(max(same, key=lambda codec: _profile(codec) == _profile(source)), SEND_FEEDBACK[kind])


def offered_codec(source: Codec, kind: Kind) -> Codec:
    """The codec as an offer of the server names it for one published track.

    Only known parameters with plain values are taken over from the publisher: what it says reaches
    other clients here, and must not be able to break their parsers.
    """
    key = source.name.lower()
    name, clock_rate, channels = _FORMS[key]
    given = format_parameters(source.fmtp)
    wanted = ((word, given.get(word, "")) for word in _FORMAT_PARAMETERS.get(key, ()))
    payload_type = _OFFERED_PAYLOAD_TYPES[key]
    return Codec(
        payload_type=payload_type,
        name=name,
        clock_rate=clock_rate,
        channels=channels,
        fmtp=";".join(f"{word}={value}" for word, value in wanted if _PLAIN_VALUE.fullmatch(value)),
        feedback=SEND_FEEDBACK[kind],
        rtx_payload_type=payload_type + 1 if kind == "video" else None,
    )


def receive_extensions(section: Section, kind: Kind) -> dict[str, int]:
    """The offered header extensions that the server reads from a publisher."""
    return {uri: section.extensions[uri] for uri in RECEIVE_EXTENSIONS[kind] if uri in section.extensions}


def send_extensions(extensions: Mapping[str, int], kind: Kind) -> dict[str, int]:
    """Those of the agreed header extensions that the server writes towards a subscriber."""
    return {uri: extensions[uri] for uri in SEND_EXTENSIONS[kind] if uri in extensions}


def answered_extensions(section: Section, kind: Kind) -> dict[str, int]:
    """The header extensions to accept in any section of a kind, used or not.

    The same in every answer: libwebrtc leaves what one answer lacks out of its later offers, also
    out of new sections, and then cannot even send simulcast (which needs the RID extension).
    """
    known = (*RECEIVE_EXTENSIONS[kind], *SEND_EXTENSIONS[kind])
    return {uri: number for uri, number in section.extensions.items() if uri in known}


def offered_extensions(kind: Kind) -> dict[str, int]:
    """Header extension ids in offers that the server makes; one id per URI over the whole bundle."""
    every: list[str] = []
    for uris in (SEND_EXTENSIONS["audio"], SEND_EXTENSIONS["video"]):
        every += [uri for uri in uris if uri not in every]
    return {uri: every.index(uri) + 1 for uri in SEND_EXTENSIONS[kind]}


def placeholder_codecs(section: Section, kind: Kind) -> tuple[Codec, ...]:
    """What an unused section is answered with, so that it stays usable; empty rejects it."""
    return publish_codecs(section, kind)


def _answered(codec: Codec, feedback: Sequence[str], *, dtx: bool = True, stereo: bool = False) -> Codec:
    fmtp = codec.fmtp
    if codec.name.lower() == "opus":
        # RFC 7587 section 6.1: the sender may stop in silence, and shall send both channels.
        given = format_parameters(fmtp)
        wanted = [name for name, wish in (("usedtx", dtx), ("stereo", stereo)) if wish and name not in given]
        fmtp = ";".join([fmtp] * bool(fmtp) + [f"{name}=1" for name in wanted])
    return replace(codec, fmtp=fmtp, feedback=tuple(value for value in codec.feedback if value in feedback))


def _has_form(codec: Codec, name: str) -> bool:
    _, clock_rate, channels = _FORMS[name]
    return codec.name.lower() == name and (codec.clock_rate, codec.channels) == (clock_rate, channels)


def _decodes(codec: Codec, source: Codec) -> bool:
    if codec.name.lower() != source.name.lower() or codec.clock_rate != source.clock_rate:
        return False
    ours, theirs = format_parameters(codec.fmtp), format_parameters(source.fmtp)
    key, default = {"h264": ("packetization-mode", "0"), "vp9": ("profile-id", "0")}.get(
        source.name.lower(), ("", "")
    )
    return not key or ours.get(key, default) == theirs.get(key, default)


def _profile(codec: Codec) -> str:
    # The level (last byte) may differ between peers, the profile decides (RFC 6184 section 8.1).
    return format_parameters(codec.fmtp).get("profile-level-id", "")[:4].lower()


def _fitness(codec: Codec) -> tuple[bool, bool, int]:
    parameters = format_parameters(codec.fmtp)
    return (
        parameters.get("packetization-mode", "0") == "1" or parameters.get("profile-id", "") == "0",
        parameters.get("profile-level-id", "").lower() == _H264_BASELINE,
        -codec.payload_type,
    )

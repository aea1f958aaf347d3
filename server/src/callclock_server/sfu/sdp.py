"""Session descriptions of clients: what an offer or answer says (`sdp_writer` writes the server's).

Pure functions over frozen values. Only the part of SDP (RFC 8866) that WebRTC clients use is read
(JSEP, RFC 9429; BUNDLE, RFC 9143; RID and simulcast, RFC 8851 and 8853); unknown lines are skipped,
broken ones raise `SdpError`. RTX (RFC 4588) is folded into the codec that it repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from callclock_server.sfu.media import Codec

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

MAX_SDP_BYTES = 512 * 1024
MAX_SECTIONS = 256
MAX_CODECS_PER_SECTION = 64
DEFAULT_SCTP_PORT = 5000
DEFAULT_MAX_MESSAGE_SIZE = 65536
"""Bytes; RFC 8841 section 6.1 for a description without `a=max-message-size`."""

_DIRECTIONS: Mapping[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
_RID_ORDER = {"q": 0, "h": 1, "f": 2}
"""livekit-client's names of the simulcast layers, low to high."""


class SdpError(ValueError):
    """The text is no session description that this server can use."""


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section of a remote description."""

    kind: str
    mid: str
    port: int
    direction: Direction
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)
    stream_id: str = ""
    track_id: str = ""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    sctp_port: int = DEFAULT_SCTP_PORT
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE

    @property
    def sends(self) -> bool:
        """Whether the client sends media in it."""
        return self.port != 0 and self.direction in ("sendonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class Description:
    """A remote offer or answer; the transport facts are those of the BUNDLE group."""

    sections: tuple[Section, ...]
    ufrag: str
    pwd: str
    fingerprint: str
    setup: str


def parse(text: str) -> Description:
    """Read a remote description.

    Raises `SdpError` when it is oversized, has no m-section, or lacks the ICE or DTLS facts.
    """
    if len(text) > MAX_SDP_BYTES:
        raise SdpError(f"description of {len(text)} characters, at most {MAX_SDP_BYTES} are read")
    session: list[tuple[str, str]] = []
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("m="):
            if len(blocks) == MAX_SECTIONS:
                raise SdpError(f"more than {MAX_SECTIONS} m-sections")
            blocks.append((line[2:], []))
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            (blocks[-1][1] if blocks else session).append((name, value.strip()))
    if not blocks:
        raise SdpError("no m-section")
    facts = [attributes for _, attributes in blocks]
    sections = tuple(_parse_section(line, attributes) for line, attributes in blocks)
    if len({section.mid for section in sections}) < len(sections):
        raise SdpError("two m-sections with one mid")
    return Description(
        sections=sections,
        ufrag=_transport_fact("ice-ufrag", facts, session),
        pwd=_transport_fact("ice-pwd", facts, session),
        fingerprint=_transport_fact("fingerprint", facts, session),
        setup=_first("setup", [*facts, session]) or "actpass",
    )


def _parse_section(line: str, attributes: list[tuple[str, str]]) -> Section:
    words = line.split()
    if len(words) < 3:
        raise SdpError(f"broken m-line: {line[:80]!r}")
    values = _grouped(attributes)
    mid = (values.get("mid") or [""])[0]
    if not mid or len(mid) > 32:
        raise SdpError("an m-section without a usable mid")
    named = [_DIRECTIONS[name] for name, _ in attributes if name in _DIRECTIONS]
    stream_id, track_id = _msid(values)
    ssrcs, rtx_ssrcs = _ssrcs(values)
    return Section(
        kind=words[0],
        mid=mid,
        port=_number(words[1].partition("/")[0], most=65535),
        direction=named[0] if named else "sendrecv",
        codecs=_codecs(words[3:], values),
        extensions=_extensions(values),
        stream_id=stream_id,
        track_id=track_id,
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
        rids=_send_rids(values),
        sctp_port=_number((values.get("sctp-port") or [str(DEFAULT_SCTP_PORT)])[0], most=65535),
        max_message_size=_number(
            (values.get("max-message-size") or [str(DEFAULT_MAX_MESSAGE_SIZE)])[0], most=2**63
        ),
    )


def _codecs(payload_types: Sequence[str], values: Mapping[str, list[str]]) -> tuple[Codec, ...]:
    maps = _by_payload_type(values.get("rtpmap", ()))
    formats = _by_payload_type(values.get("fmtp", ()))
    feedback: dict[int, list[str]] = {}
    for value in values.get("rtcp-fb", ()):
        head, _, rest = value.partition(" ")
        if head.isdigit():
            feedback.setdefault(int(head), []).append(rest.strip())
    repeats = _rtx_by_apt(maps, formats)
    found: list[Codec] = []
    for word in payload_types[:MAX_CODECS_PER_SECTION]:
        payload_type = int(word) if word.isdigit() else -1
        name, _, rest = maps.get(payload_type, "").partition("/")
        if not rest or name.lower() in ("rtx", "red", "ulpfec", "flexfec-03"):
            continue
        rate, _, channels = rest.partition("/")
        found.append(
            Codec(
                payload_type=payload_type,
                name=name,
                clock_rate=_number(rate, most=2**31),
                channels=_number(channels or "1", most=255),
                fmtp=formats.get(payload_type, ""),
                feedback=tuple(feedback.get(payload_type, ())),
                rtx_payload_type=repeats.get(payload_type),
            )
        )
    return tuple(found)


def _rtx_by_apt(maps: Mapping[int, str], formats: Mapping[int, str]) -> dict[int, int]:
    repeats: dict[int, int] = {}
    for payload_type, mapping in maps.items():
        if mapping.lower().startswith("rtx/"):
            apt = format_parameters(formats.get(payload_type, "")).get("apt", "")
            if apt.isdigit():
                repeats[int(apt)] = payload_type
    return repeats


def format_parameters(fmtp: str) -> dict[str, str]:
    """Split the value of an fmtp line ("a=1;b=2") into its parameters, names in lower case."""
    pairs = (part.partition("=") for part in fmtp.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _send_rids(values: Mapping[str, list[str]]) -> tuple[str, ...]:
    named = [value.split()[0] for value in values.get("rid", ()) if value.split()[1:2] == ["send"]]
    if not values.get("simulcast") or len(named) < 2:
        return ()
    return tuple(sorted(named[:3], key=lambda rid: (_RID_ORDER.get(rid, 9), named.index(rid))))


def _ssrcs(values: Mapping[str, list[str]]) -> tuple[tuple[int, ...], dict[int, int]]:
    listed: list[int] = []
    for value in values.get("ssrc", ()):
        word = value.partition(" ")[0]
        if word.isdigit() and int(word) not in listed:
            listed.append(int(word))
    repairs: dict[int, int] = {}
    simulcast: list[int] = []
    for value in values.get("ssrc-group", ()):
        semantics, *words = value.split()
        numbers = [int(word) for word in words if word.isdigit()]
        if semantics == "FID" and len(numbers) == 2:
            repairs[numbers[0]] = numbers[1]
        elif semantics == "SIM":
            simulcast = numbers
    primary = simulcast or [ssrc for ssrc in listed if ssrc not in repairs.values()]
    return tuple(primary[:3]), repairs


def _msid(values: Mapping[str, list[str]]) -> tuple[str, str]:
    words = next((value.split() for value in values.get("msid", ()) if value.split()), [])
    if not words:
        for value in values.get("ssrc", ()):
            _, _, attribute = value.partition(" msid:")
            if attribute:
                words = attribute.split()
                break
    stream_id = words[0] if words else ""
    return stream_id, (words[1] if len(words) > 1 else "")


def _extensions(values: Mapping[str, list[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values.get("extmap", ()):
        words = value.split()
        number = words[0].partition("/")[0] if words else ""
        if len(words) >= 2 and number.isdigit() and 1 <= int(number) <= 255:
            found[words[1]] = int(number)
    return found


def _by_payload_type(lines: Iterable[str]) -> dict[int, str]:
    pairs = (line.partition(" ") for line in lines)
    return {int(head): rest.strip() for head, _, rest in pairs if head.isdigit()}


def _grouped(attributes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in attributes:
        values.setdefault(name, []).append(value)
    return values


def _first(name: str, groups: Iterable[list[tuple[str, str]]]) -> str:
    return next((value for group in groups for key, value in group if key == name and value), "")


def _transport_fact(name: str, sections: list[list[tuple[str, str]]], session: list[tuple[str, str]]) -> str:
    value = _first(name, [*sections, session])
    if not value or len(value) > 512:
        raise SdpError(f"no usable a={name}")
    return value


def _number(word: str, *, most: int) -> int:
    if not word.isdigit() or len(word) > 20 or int(word) > most:
        raise SdpError(f"not a number up to {most}: {word[:40]!r}")
    return int(word)

"""Clients for the media plane: a whole one (aiortc) over loopback, whose SDP is composed by hand, and
synthetic ones in an in-memory network with delay, loss and a clock of its own.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription
from callclock_server.sfu.media import Codec, MediaPort, Peer, ReceiveSpec, SendSpec, UpTrack
from callclock_server.sfu.media.codecs import keyframe_test
from callclock_server.sfu.media.dtls import DtlsIdentity
from callclock_server.sfu.media.probe import Probe
from callclock_server.sfu.media.rtcp import RtcpMessage, parse_rtcp
from callclock_server.sfu.media.rtp import RtpPacket, pack_rtp, parse_rtp
from callclock_server.sfu.media.specs import (
    AUDIO_LEVEL_URI,
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_CC_URI,
)
from callclock_server.sfu.media.stun import is_stun, parse_binding_request

WAIT_SECONDS = 10.0


class Client:
    """One aiortc connection and the server's peer behind it."""

    def __init__(self, port: MediaPort) -> None:
        self.pc = RTCPeerConnection()
        self.states: list[str] = []
        self.data: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.channels: asyncio.Queue[str] = asyncio.Queue()
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self.port = port
        self.peer: Peer = port.new_peer(
            on_state=self._on_state,
            on_data=lambda label, payload: self.data.put_nowait((label, payload)),
            on_channel=self.channels.put_nowait,
        )
        self.offer = SessionDescription()
        self._client_connected = asyncio.Event()
        self.pc.on("connectionstatechange", self._on_client_state)

    def _on_client_state(self) -> None:
        if self.pc.connectionState == "connected":
            self._client_connected.set()

    def _on_state(self, state: str) -> None:
        self.states.append(state)
        (self.connected if state == "connected" else self.gone).set()

    async def connect(self, *, ssrcs: dict[str, int] | None = None) -> None:
        """Offer, answer on the server's behalf, and wait until both sides are connected."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.offer = SessionDescription.parse(self.pc.localDescription.sdp)
        first = self.offer.media[0]
        fingerprint = next(f for f in first.dtls.fingerprints if f.algorithm == "sha-256")
        self.peer.set_remote(
            ufrag=first.ice.usernameFragment,
            pwd=first.ice.password,
            fingerprint=f"{fingerprint.algorithm} {fingerprint.value}",
        )
        for media in self.offer.media:
            if media.kind == "application":
                self.peer.set_sctp(port=media.sctp_port, max_message_size=262144)
        answer = self._answer(ssrcs or {})
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await asyncio.wait_for(self.connected.wait(), WAIT_SECONDS)
        await asyncio.wait_for(self._client_connected.wait(), WAIT_SECONDS)

    def _answer(self, ssrcs: dict[str, int]) -> str:
        mids = " ".join(media.rtp.muxId for media in self.offer.media)
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", f"a=group:BUNDLE {mids}"]
        for media in self.offer.media:
            lines += self._answer_section(media, ssrcs)
        return "\r\n".join(lines) + "\r\n"

    def _answer_section(self, media: MediaDescription, ssrcs: dict[str, int]) -> list[str]:
        formats = " ".join(map(str, media.fmt))
        lines = [f"m={media.kind} 9 {media.profile} {formats}", "c=IN IP4 0.0.0.0"]
        lines += [f"a=mid:{media.rtp.muxId}", "a=rtcp-mux"]
        for codec in media.rtp.codecs:
            lines.append(f"a=rtpmap:{codec.payloadType} {codec}")
            lines += [
                f"a=rtcp-fb:{codec.payloadType} {f.type} {f.parameter or ''}".rstrip()
                for f in codec.rtcpFeedback
            ]
            parameters = ";".join(f"{k}={v}" for k, v in codec.parameters.items())
            if parameters:
                lines.append(f"a=fmtp:{codec.payloadType} {parameters}")
        lines += [f"a=extmap:{extension.id} {extension.uri}" for extension in media.rtp.headerExtensions]
        mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}
        if media.kind == "application":
            lines.append(f"a=sctp-port:{self.peer.sctp_port}")
        else:
            lines.append(f"a={mirrored.get(media.direction, 'sendrecv')}")
        if media.rtp.muxId in ssrcs:
            ssrc = ssrcs[media.rtp.muxId]
            lines += [f"a=ssrc-group:FID {ssrc} {ssrc + 1}"]
            lines += [f"a=ssrc:{ssrc} cname:room", f"a=ssrc:{ssrc + 1} cname:room"]
        lines += [f"a=ice-ufrag:{self.peer.local_ufrag}", f"a=ice-pwd:{self.peer.local_pwd}"]
        lines += [f"a=fingerprint:{self.port.fingerprint}", "a=setup:passive"]
        ip, number = self.port.candidates[0]
        lines += [f"a=candidate:1 1 udp 2130706431 {ip} {number} typ host", "a=end-of-candidates"]
        return lines

    def section(self, mid: str) -> MediaDescription:
        return next(media for media in self.offer.media if media.rtp.muxId == mid)

    def codecs(self, mid: str) -> tuple[Codec, ...]:
        """The offered codecs, with RTX folded into the codec that it repairs."""
        offered = self.section(mid).rtp.codecs
        repairs = {c.parameters["apt"]: c.payloadType for c in offered if c.name.lower() == "rtx"}
        return tuple(
            Codec(
                payload_type=c.payloadType,
                name=c.name,
                clock_rate=c.clockRate,
                channels=c.channels or 1,
                fmtp=";".join(f"{k}={v}" for k, v in c.parameters.items()),
                feedback=tuple(f"{f.type} {f.parameter or ''}".rstrip() for f in c.rtcpFeedback),
                rtx_payload_type=repairs.get(c.payloadType),
            )
            for c in offered
            if c.name.lower() != "rtx"
        )

    def extensions(self, mid: str) -> dict[str, int]:
        return {extension.uri: extension.id for extension in self.section(mid).rtp.headerExtensions}

    def receive(self, mid: str, *, on_media: Callable[[], None] | None = None) -> UpTrack:
        """Let the server receive one of the client's sections."""
        media = self.section(mid)
        spec = ReceiveSpec(kind=media.kind, mid=mid, codecs=self.codecs(mid), extensions=self.extensions(mid))
        return self.peer.receive(spec, on_media=on_media)

    def send_spec(self, mid: str, *, ssrc: int) -> SendSpec:
        return SendSpec(
            kind=self.section(mid).kind,
            mid=mid,
            codecs=self.codecs(mid),
            extensions=self.extensions(mid),
            ssrc=ssrc,
            rtx_ssrc=ssrc + 1,
            cname="room",
        )

    async def close(self) -> None:
        await self.pc.close()
        self.peer.close()


@pytest.fixture
async def port() -> AsyncIterator[MediaPort]:
    """A media port on loopback."""
    opened = await MediaPort.open(host="127.0.0.1")
    yield opened
    await opened.close()


@pytest.fixture
async def new_client(port: MediaPort) -> AsyncIterator[Callable[[], Client]]:
    """Makes clients and closes them afterwards."""
    made: list[Client] = []

    def make() -> Client:
        made.append(Client(port))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def soon() -> Callable[[Awaitable[object]], Awaitable[object]]:
    """Awaits with a limit."""
    return lambda awaitable: asyncio.wait_for(awaitable, WAIT_SECONDS)


class Member:
    """A synthetic client in an in-memory network, and the server's peer behind it."""

    def __init__(self, network: Network, address: tuple[str, int]) -> None:
        self.network = network
        self.address = address
        self.states: list[str] = []
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[RtcpMessage] = []
        self.raw_rtcp: list[bytes] = []
        self._is_keyframe: Callable[[bytes], bool] = lambda payload: False
        self.probe = Probe(
            transmit=lambda data: network.carry(data, self._to_server),
            on_rtp=self._on_rtp,
            on_rtcp=self._on_rtcp,
            identity=network.client_identity,
        )
        self.peer = Peer(
            network.identity,
            transmit=lambda data, to: network.carry(data, self.probe.on_datagram),
            on_state=self.states.append,
            on_data=lambda label, payload: None,
            clock=network.clock,
        )

    def mark_keyframes(self) -> None:
        """From now on tell in received VP8 packets whether they start a key frame."""
        self._is_keyframe = keyframe_test(VP8)

    def _on_rtp(self, data: bytes) -> None:
        packet = parse_rtp(data)
        packet.starts_keyframe = self._is_keyframe(packet.payload)
        self.rtp.append(packet)

    def _on_rtcp(self, data: bytes) -> None:
        self.raw_rtcp.append(data)
        self.rtcp += parse_rtcp(data)

    def _to_server(self, data: bytes) -> None:
        if is_stun(data):
            request = parse_binding_request(data)
            assert request is not None
            self.peer.on_binding(request, address=self.address, now=self.network.now)
        else:
            self.peer.on_datagram(data, self.network.now)
            self.peer.flush(self.network.now)

    def messages(self, kind: type) -> list[RtcpMessage]:
        return [message for message in self.rtcp if isinstance(message, kind)]

    def send(self, **fields: object) -> None:
        """Send one RTP packet; see `pack_rtp`."""
        self.probe.send_rtp(pack_rtp(**fields))


class Network:
    """Carries datagrams with a delay, loses some of them by a seeded die, and owns the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.delay = 0.02
        self.loss = 0.0
        self.identity = DtlsIdentity()
        self.client_identity = DtlsIdentity()
        self._die = random.Random(7)
        self._order = itertools.count()
        self._flying: list[tuple[float, int, Callable[[bytes], None], bytes]] = []
        self._timers_at = self.now
        self.members: list[Member] = []

    def clock(self) -> float:
        return self.now

    def carry(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        if self._die.random() >= self.loss:
            heapq.heappush(self._flying, (self.now + self.delay, next(self._order), deliver, data))

    def join(self) -> Member:
        """Add a client and connect it."""
        member = Member(self, ("127.0.0.1", 10000 + len(self.members)))
        self.members.append(member)
        member.peer.set_remote(
            ufrag=member.probe.ufrag, pwd=member.probe.pwd, fingerprint=member.probe.fingerprint
        )
        member.probe.start(
            ufrag=member.peer.local_ufrag,
            pwd=member.peer.local_pwd,
            fingerprint=self.identity.fingerprint,
            now=self.now,
        )
        self.run(0.3)
        assert member.states == ["connected"]
        return member

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while True:
            next_at = min(self._timers_at, self._flying[0][0] if self._flying else self._timers_at)
            if next_at > until:
                break
            self.now = next_at
            if self._flying and self._flying[0][0] <= self._timers_at:
                _, _, deliver, data = heapq.heappop(self._flying)
                deliver(data)
            else:
                self._timers_at += 0.05
                for member in self.members:
                    member.peer.on_timer(self.now)
                    member.probe.on_timer(self.now)
        self.now = until


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """An in-memory network with its own time."""
    made = Network()
    yield made
    for member in made.members:
        member.peer.close()


VP8 = Codec(96, "VP8", 90000, 1, "", ("nack", "nack pli", "transport-cc"), 97)
OPUS = Codec(111, "opus", 48000, 2, "", ("transport-cc",))
VIDEO_IDS = {MID_URI: 1, RID_URI: 2, REPAIRED_RID_URI: 3, TRANSPORT_CC_URI: 4}


def video_payload(*, key: bool = False, picture: int = 0, tl0: int = 0, size: int = 200) -> bytes:
    """The first packet of a VP8 frame with picture id and TL0PICIDX."""
    head = b"\x90\xc0" + (0x8000 | picture & 0x7FFF).to_bytes(2, "big") + bytes((tl0 & 0xFF,))
    return head + (b"\x00" if key else b"\x01") + bytes(size)


@pytest.fixture
def vp8_payload() -> Callable[..., bytes]:
    return video_payload


@pytest.fixture
def video_in() -> Callable[..., ReceiveSpec]:
    """A video section that the client sends with VP8, MID and RID."""
    return lambda **changes: replace(ReceiveSpec("video", "1", (VP8,), VIDEO_IDS), **changes)


@pytest.fixture
def video_out() -> Callable[..., SendSpec]:
    """A video section that the client receives, with payload types and ids of its own."""
    codec = replace(VP8, payload_type=120, rtx_payload_type=121)
    spec = SendSpec("video", "7", (codec,), {MID_URI: 9}, 0xABCD0001, 0xABCD0002, "room")
    return lambda **changes: replace(spec, **changes)


@pytest.fixture
def audio_in() -> ReceiveSpec:
    return ReceiveSpec("audio", "0", (OPUS,), {MID_URI: 1, AUDIO_LEVEL_URI: 5, TRANSPORT_CC_URI: 4})


@pytest.fixture
def audio_out() -> SendSpec:
    codec = replace(OPUS, payload_type=63)
    return SendSpec("audio", "6", (codec,), {MID_URI: 9, AUDIO_LEVEL_URI: 8}, 0x0BCD0003, None, "room")

"""A media plane that only takes notes, and participants on it: for tests of signalling alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast

from callclock_server.sfu.join import JoinParameters
from callclock_server.sfu.media import MediaPort, PeerStats, ReceiveSpec, SendSpec
from callclock_server.sfu.participant import Participant
from callclock_server.sfu.requests import handle
from callclock_server.sfu.room import Room, RoomSettings
from callclock_server.sfu.signal_socket import SignalSocket
from callclock_server.sfu.tokens import Grants
from livekit.protocol import rtc, webhook
from livekit.protocol.models import TrackSource, TrackType

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


class FakeUp:
    """An UpTrack that receives nothing."""

    def __init__(self, spec: ReceiveSpec) -> None:
        self.spec = spec
        self.muted = False
        self.level = 0.0
        self.keyframes = 0

    def request_keyframe(self) -> None:
        self.keyframes += 1

    def audio_level(self) -> float:
        return self.level


class FakeDown:
    """A DownTrack that sends nothing."""

    def __init__(self, up: FakeUp, spec: SendSpec) -> None:
        self.up = up
        self.spec = spec
        self.paused = False
        self.quality: int | None = None

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def set_max_quality(self, quality: int) -> None:
        self.quality = quality


class FakePeer:
    """A Peer without a network; `on_state` is the real callback of its owner."""

    sctp_port = 5000

    def __init__(self, on_state: Callable[[str], None], on_data: Callable[[str, bytes], None]) -> None:
        self.on_state = on_state
        self.on_data = on_data
        self.remote: dict[str, str] = {}
        self.restarts = 0
        self.ups: list[FakeUp] = []
        self.downs: list[FakeDown] = []
        self.channels: list[str] = []
        self.sent: list[tuple[str, bytes]] = []
        self.closed = False
        self.counters = PeerStats()
        self._new_credentials()

    def _new_credentials(self) -> None:
        self.local_ufrag, self.local_pwd = secrets.token_hex(4), secrets.token_hex(12)

    def set_remote(self, *, ufrag: str, pwd: str, fingerprint: str) -> None:
        if not fingerprint.startswith("sha-256 "):
            raise ValueError("unknown fingerprint algorithm")
        self.remote = {"ufrag": ufrag, "pwd": pwd, "fingerprint": fingerprint}

    def restart_ice(self) -> tuple[str, str]:
        self.restarts += 1
        self._new_credentials()
        return self.local_ufrag, self.local_pwd

    def receive(self, spec: ReceiveSpec) -> FakeUp:
        self.ups.append(FakeUp(spec))
        return self.ups[-1]

    def stop_receiving(self, up: FakeUp) -> None:
        self.ups.remove(up)

    def send(self, up: FakeUp, spec: SendSpec) -> FakeDown:
        self.downs.append(FakeDown(up, spec))
        return self.downs[-1]

    def stop_sending(self, down: FakeDown) -> None:
        self.downs.remove(down)

    def open_channel(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        self.channels.append(label)

    def set_sctp(self, *, port: int, max_message_size: int) -> None:
        self.sctp = (port, max_message_size)

    def send_data(self, label: str, payload: bytes) -> bool:
        self.sent.append((label, payload))
        return True

    def stats(self) -> PeerStats:
        return self.counters

    def close(self) -> None:
        self.closed = True


class FakeMedia:
    """A MediaPort without a port."""

    fingerprint = FINGERPRINT
    candidates = [("127.0.0.1", 7882), ("192.0.2.1", 7882)]  # noqa: RUF012

    def __init__(self) -> None:
        self.peers: list[FakePeer] = []

    def new_peer(self, *, on_state: Callable[[str], None], on_data: Callable[[str, bytes], None]) -> FakePeer:
        self.peers.append(FakePeer(on_state, on_data))
        return self.peers[-1]


class FakeSocket:
    """A signalling socket that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[rtc.SignalResponse] = []
        self.closed: int | None = None

    def send(self, response: rtc.SignalResponse) -> None:
        copy = rtc.SignalResponse()
        copy.CopyFrom(response)
        self.sent.append(copy)

    def close(self, code: int = 1000) -> None:
        self.closed = code

    def kinds(self) -> list[str]:
        return [str(response.WhichOneof("message")) for response in self.sent]

    def last(self, kind: str) -> Any:
        """The content of the last message of a kind. Raises `IndexError` if there was none."""
        return [getattr(r, kind) for r in self.sent if r.WhichOneof("message") == kind][-1]

    def all(self, kind: str) -> list[Any]:
        return [getattr(r, kind) for r in self.sent if r.WhichOneof("message") == kind]


class World:
    """One room on a fake media plane with a clock that tests move."""

    def __init__(self, **settings: Any) -> None:
        self.time = 1_800_000_000.0
        self.events: list[webhook.WebhookEvent] = []
        self.media = FakeMedia()
        self.room = Room(
            RoomSettings(name="room", **settings), now=lambda: self.time, notify=self.events.append
        )

    def enter(self, identity: str, *, single: bool = True, **grants: Any) -> tuple[Participant, FakeSocket]:
        """Let a participant join; its media is not connected yet."""
        held = Grants(
            api_key="k", identity=identity, expires_at=self.time + 600, room="room", room_join=True, **grants
        )
        parameters = JoinParameters(single_connection=single)
        media = cast("MediaPort", self.media)
        participant = Participant(self.room, held, parameters, media=media, now=self.time)
        socket = FakeSocket()
        self.room.admit(participant)
        participant.attach(cast("SignalSocket", socket))
        self.room.announce(participant)
        participant.negotiation.start()
        return participant, socket

    def peers_of(self, participant: Participant) -> tuple[FakePeer, ...]:
        return cast("tuple[FakePeer, ...]", participant.negotiation.peers)


AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111 63
c=IN IP4 0.0.0.0
a=mid:{mid}
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:9 urn:example:unknown
a={direction}
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 106 98
c=IN IP4 0.0.0.0
a=mid:{mid}
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a={direction}
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:106 H264/90000
a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:98 VP9/90000
a=fmtp:98 profile-id=0
"""
DATA = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:{mid}
a=sctp-port:5000
a=max-message-size:262144
"""


def offer_sdp(*sections: str, ufrag: str = "abcd", setup: str = "actpass") -> str:
    """A client's description with these sections."""
    head = (
        "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
        f"a=ice-ufrag:{ufrag}\na=ice-pwd:{ufrag}-password-of-24-chars\n"
        f"a=fingerprint:{FINGERPRINT}\na=setup:{setup}\n"
    )
    return (head + "".join(sections)).replace("\n", "\r\n")


def audio(mid: str, direction: str = "recvonly", *, track: str = "") -> str:
    return AUDIO.format(mid=mid, direction=direction) + _msid(track)


def video(mid: str, direction: str = "recvonly", *, track: str = "", more: str = "") -> str:
    return VIDEO.format(mid=mid, direction=direction) + _msid(track) + more


def data(mid: str) -> str:
    return DATA.format(mid=mid)


def _msid(track: str) -> str:
    return f"a=msid:stream {track}\na=ssrc:{abs(hash(track)) % 10**9 + 1} cname:c\n" if track else ""


def offer(*sections: str, number: int = 1, **facts: str) -> rtc.SessionDescription:
    """An offer message."""
    return rtc.SessionDescription(type="offer", sdp=offer_sdp(*sections, **facts), id=number)


def ask(participant: Participant, **message: Any) -> None:
    """One SignalRequest of a participant, its field by name."""
    handle(participant, rtc.SignalRequest(**message))


def publish(
    participant: Participant, cid: str, *sections: str, kind: int = TrackType.VIDEO, **more: Any
) -> None:
    """AddTrack and the offer that carries it (with the sections that were there before)."""
    source = more.pop("source", TrackSource.CAMERA if kind == TrackType.VIDEO else TrackSource.MICROPHONE)
    ask(participant, add_track={"cid": cid, "type": kind, "source": source, **more})
    sending = video if kind == TrackType.VIDEO else audio
    ask(participant, offer=offer(data("0"), *sections, sending(cid, "sendonly", track=cid)))

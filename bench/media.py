"""CPU per packet and added latency of the embedded room server's media plane.

Run `.venv/bin/python bench/media.py --seconds 5`. A second process holds synthetic clients that send
encrypted audio (50 packets/s) and 720p-like video (about 210 packets/s of 1,000 bytes) over loopback; every
video packet carries the instant of its sending, so that the receiving client can tell how long it took.
This process holds nothing but the media plane, whose CPU time is measured. Sender, receiver and server
share the machine: with few cores the latency includes their waiting for one another.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from callclock_server.sfu.media import Codec, MediaPort, Peer, ReceiveSpec, SendSpec, UpTrack
from callclock_server.sfu.media.dtls import DtlsIdentity
from callclock_server.sfu.media.probe import Probe
from callclock_server.sfu.media.specs import AUDIO_LEVEL_URI, MID_URI, TRANSPORT_CC_URI
from callclock_server.sfu.media.stun import is_stun, parse_binding_request

CALLS = (1, 5, 10, 20)
AUDIO_INTERVAL = 0.02
FRAME_INTERVAL = 1 / 30
PACKETS_PER_FRAME = 7
VIDEO_BYTES = 1000
WARM_UP_SECONDS = 0.5
SETUP_LIMIT_SECONDS = 30.0

OPUS = Codec(111, "opus", 48000, 2, "", ("transport-cc",))
VP8 = Codec(96, "VP8", 90000, 1, "", ("nack", "nack pli", "transport-cc"), 97)
AUDIO_IDS = {MID_URI: 1, AUDIO_LEVEL_URI: 2, TRANSPORT_CC_URI: 3}
VIDEO_IDS = {MID_URI: 1, TRANSPORT_CC_URI: 3}
AUDIO_SSRC, VIDEO_SSRC = 1000, 2000
EXTENSIONS = struct.Struct("!HHBcBBBHx")
STAMP = struct.Struct("!d")
VP8_HEAD = b"\x90\x80\x80\x01\x00"


@dataclass
class Member:
    """One synthetic client: its socket, its streams, and what it measured."""

    probe: Probe
    sock: socket.socket | None
    transport_sequence: int = 0
    audio_sequence: int = 0
    video_sequence: int = 0
    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    received: int = 0

    def send_audio(self, now: float) -> None:
        """Send one audio packet."""
        payload = STAMP.pack(now) + bytes(80)
        self.audio_sequence += 1
        self._send(0, 111, self.audio_sequence, AUDIO_SSRC, payload)

    def send_frame(self, frame: int) -> None:
        """Send the packets of one video frame, the first of them a key frame's."""
        for index in range(PACKETS_PER_FRAME):
            self.video_sequence += 1
            kind = b"\x00" if frame % 300 == 0 and index == 0 else b"\x01"
            start = VP8_HEAD if index == 0 else b"\x80" + VP8_HEAD[1:4] + b"\x00"
            payload = start[:4] + kind + STAMP.pack(time.monotonic()) + bytes(VIDEO_BYTES - 13)
            marker = 0x80 if index == PACKETS_PER_FRAME - 1 else 0
            self._send(1, marker | 96, self.video_sequence, VIDEO_SSRC, payload, frame * 3000)

    def _send(self, mid: int, kind: int, sequence: int, ssrc: int, payload: bytes, stamp: int = 0) -> None:
        self.transport_sequence = self.transport_sequence + 1 & 0xFFFF
        stamp = stamp or sequence * 960
        head = struct.pack("!BBHII", 0x90, kind, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
        level = 30
        extensions = EXTENSIONS.pack(
            0xBEDE, 2, 0x10, b"01"[mid : mid + 1], 0x20, level, 0x31, self.transport_sequence
        )
        self.probe.send_rtp(head + extensions + payload)
        self.sent += 1

    def on_rtp(self, packet: bytes) -> None:
        """Note how long a video packet took."""
        self.received += 1
        if packet[1] & 0x7F == 96:
            extra = 16 + 4 * int.from_bytes(packet[14:16], "big")
            (sent_at,) = STAMP.unpack_from(packet, extra + 5)
            self.latencies.append(time.monotonic() - sent_at)


def run_clients(pipe: Connection, seconds: float) -> None:
    """Be the clients: runs in the second process."""
    asyncio.run(_run_clients(pipe, seconds))


async def _run_clients(pipe: Connection, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    identity = DtlsIdentity()
    pipe.send(identity.fingerprint)
    port, fingerprint, credentials = pipe.recv()
    members = []
    for ufrag, pwd in credentials:
        members.append(_make_member(loop, port, identity))
        members[-1].probe.start(ufrag=ufrag, pwd=pwd, fingerprint=fingerprint, now=time.monotonic())
    give_up_at = time.monotonic() + SETUP_LIMIT_SECONDS
    while not all(member.probe.connected for member in members):
        if time.monotonic() > give_up_at:
            pipe.send("no connection")
            return
        for member in members:
            member.probe.on_timer(time.monotonic())
        await asyncio.sleep(0.02)
    pipe.send("connected")
    await asyncio.gather(*(_stream(member, index, seconds) for index, member in enumerate(members)))
    await asyncio.sleep(0.2)
    latencies = sorted(x for member in members for x in member.latencies)
    pipe.send((sum(m.sent for m in members), sum(m.received for m in members), latencies))


def _make_member(loop: asyncio.AbstractEventLoop, port: int, identity: DtlsIdentity) -> Member:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    sock.bind(("127.0.0.1", 0))
    sock.connect(("127.0.0.1", port))

    def transmit(datagram: bytes) -> None:
        try:
            sock.send(datagram)
        except BlockingIOError:
            return

    member: Member = Member(
        Probe(transmit=transmit, on_rtp=lambda p: member.on_rtp(p), identity=identity), sock
    )

    def on_readable() -> None:
        for _ in range(64):
            try:
                datagram = sock.recv(2048)
            except OSError:
                return
            member.probe.on_datagram(datagram)

    loop.add_reader(sock.fileno(), on_readable)
    return member


async def _stream(member: Member, index: int, seconds: float) -> None:
    start = time.monotonic() + index * FRAME_INTERVAL / 40  # people are not in step
    end = start + seconds + WARM_UP_SECONDS
    audio_at = video_at = start
    frame = 0
    while (now := time.monotonic()) < end:
        if now >= audio_at:
            member.send_audio(now)
            audio_at += AUDIO_INTERVAL
        if now >= video_at:
            member.send_frame(frame)
            frame += 1
            video_at += FRAME_INTERVAL
        member.probe.on_timer(now)
        await asyncio.sleep(max(0.0, min(audio_at, video_at) - time.monotonic()))


def _ignore(*_: object) -> None:
    """Nothing is of interest here but the packets."""


def receive(peer: Peer) -> tuple[UpTrack, UpTrack]:
    """Let the server receive a client's audio and video."""
    audio = peer.receive(ReceiveSpec("audio", "0", (OPUS,), AUDIO_IDS, (AUDIO_SSRC,)))
    video = peer.receive(ReceiveSpec("video", "1", (VP8,), VIDEO_IDS, (VIDEO_SSRC,)))
    return audio, video


def forward(peer: Peer, tracks: tuple[UpTrack, UpTrack]) -> None:
    """Forward a client's audio and video to the other."""
    peer.send(tracks[0], SendSpec("audio", "2", (OPUS,), {MID_URI: 1, AUDIO_LEVEL_URI: 2}, 11, None, "b"))
    peer.send(tracks[1], SendSpec("video", "3", (VP8,), {MID_URI: 1}, 12, 13, "b"))


async def measure(calls: int, seconds: float) -> str:
    """Run one load and describe it in a line."""
    port = await MediaPort.open(host="127.0.0.1")
    peers = [port.new_peer(on_state=_ignore, on_data=_ignore) for _ in range(2 * calls)]
    for first, second in zip(peers[::2], peers[1::2], strict=True):
        tracks = receive(first), receive(second)
        forward(first, tracks[1])
        forward(second, tracks[0])
    context = multiprocessing.get_context("spawn")
    pipe, far_end = context.Pipe()
    process = context.Process(target=run_clients, args=(far_end, seconds), daemon=True)
    process.start()
    try:
        await _connect(pipe, port, peers)
        await asyncio.sleep(WARM_UP_SECONDS)
        before = _count(peers)
        cpu, wall = time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        packets = _count(peers) - before
        sent, received, latencies = await _answer(pipe, SETUP_LIMIT_SECONDS)
    finally:
        process.join(timeout=5)
        if process.is_alive():
            process.terminate()
        await port.close()
    return (
        f"{calls:>5} {packets / wall:>12,.0f} {100 * cpu / wall:>9.1f} {1e6 * cpu / packets:>12.1f} "
        f"{1e3 * _quantile(latencies, 0.5):>9.2f} {1e3 * _quantile(latencies, 0.99):>9.2f} "
        f"{100 * (1 - received / sent):>8.2f}"
    )


async def _connect(pipe: Connection, port: MediaPort, peers: list[Peer]) -> None:
    fingerprint = await _answer(pipe, SETUP_LIMIT_SECONDS)
    for peer in peers:
        peer.set_remote(ufrag="bench", pwd="bench", fingerprint=str(fingerprint))
    pipe.send((port.port, port.fingerprint, [(peer.local_ufrag, peer.local_pwd) for peer in peers]))
    if await _answer(pipe, SETUP_LIMIT_SECONDS) != "connected":
        raise SystemExit("the clients did not connect")


async def _answer(pipe: Connection, seconds: float) -> Any:
    # Polled rather than awaited in a thread, whose CPU would be counted as the media plane's.
    give_up_at = time.monotonic() + seconds
    while not pipe.poll():
        if time.monotonic() > give_up_at:
            raise SystemExit("the clients did not answer")
        await asyncio.sleep(0.05)
    return pipe.recv()


def _count(peers: list[Peer]) -> int:
    stats = [peer.stats() for peer in peers]
    return sum(s.packets_in + s.packets_out for s in stats)


def _quantile(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def measure_alone(packets: int = 7000) -> str:
    """Feed a peer with encrypted packets from memory: what remains without sockets and scheduling."""
    identity = DtlsIdentity()
    ends = [_make_end(identity) for _ in range(2)]
    forward(ends[1].peer, receive(ends[0].peer))
    member = Member(ends[0].probe, None)
    for frame in range(packets // PACKETS_PER_FRAME):
        member.send_frame(frame)
    datagrams = [datagram for datagram in ends[0].to_server if datagram[0] > 127]
    cpu = time.process_time()
    for index, datagram in enumerate(datagrams):
        ends[0].peer.on_datagram(datagram, time.monotonic())
        if index % PACKETS_PER_FRAME == 0:
            ends[0].peer.flush(time.monotonic())
    cpu = time.process_time() - cpu
    forwarded = ends[1].peer.stats().packets_out
    return f"without sockets: {1e6 * cpu / (len(datagrams) + forwarded):.1f} us/packet"


@dataclass
class End:
    """A connected client and peer without a network between them."""

    probe: Probe
    peer: Peer
    to_server: list[bytes]


def _make_end(identity: DtlsIdentity) -> End:
    to_server: list[bytes] = []
    to_client: list[bytes] = []
    probe = Probe(transmit=to_server.append, identity=identity)
    peer = Peer(identity, transmit=lambda data, _: to_client.append(data), on_state=_ignore, on_data=_ignore)
    peer.set_remote(ufrag="bench", pwd="bench", fingerprint=identity.fingerprint)
    probe.start(ufrag=peer.local_ufrag, pwd=peer.local_pwd, fingerprint=identity.fingerprint, now=0.0)
    while to_server or to_client:
        while to_server:
            datagram = to_server.pop(0)
            request = parse_binding_request(datagram) if is_stun(datagram) else None
            if request is not None:
                peer.on_binding(request, address=("127.0.0.1", 1), now=time.monotonic())
            else:
                peer.on_datagram(datagram, time.monotonic())
        while to_client:
            probe.on_datagram(to_client.pop(0))
    return End(probe, peer, to_server)


async def _measure_alone() -> str:
    return measure_alone()


def main() -> None:
    """Measure every load in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement (1-60)")
    parser.add_argument("--calls", type=int, nargs="*", default=list(CALLS), help="numbers of calls at once")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop", help="loop of the server")
    options = parser.parse_args()
    seconds = min(max(options.seconds, 1.0), 60.0)
    machine = f"{platform.node()} ({platform.machine()}, {os.cpu_count()} cores)"
    print(f"media plane on {machine}, Python {platform.python_version()}, {options.loop}")
    print(asyncio.run(_measure_alone()))
    print(f"two-person calls, {seconds:g} s per line, packets in and out")
    print("calls    packets/s     CPU %    us/packet    p50 ms    p99 ms   lost %")
    for calls in options.calls:
        with asyncio.Runner(loop_factory=_loop_factory(uvloop=options.loop == "uvloop")) as runner:
            print(runner.run(measure(calls, seconds)), flush=True)


def _loop_factory(*, uvloop: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    if not uvloop:
        return asyncio.new_event_loop
    import uvloop as faster

    return faster.new_event_loop


if __name__ == "__main__":
    main()

"""The shared UDP port over real loopback sockets: who gets an answer, and that nobody disturbs anybody."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest
from callclock_server.sfu.media import MediaPort
from callclock_server.sfu.media.dtls import DtlsIdentity
from callclock_server.sfu.media.port import host_addresses
from callclock_server.sfu.media.probe import Probe
from callclock_server.sfu.media.rtcp import pack_receiver_reports
from callclock_server.sfu.media.rtp import pack_rtp, parse_rtp
from callclock_server.sfu.media.stun import pack_binding_request

IDENTITY = DtlsIdentity()
MAGIC = b"\x21\x12\xa4\x42"


class Remote:
    """A synthetic client with a socket of its own."""

    def __init__(self, port, **callbacks):
        self.port = port
        self.loop = asyncio.get_running_loop()
        self.states = []
        self.received = asyncio.Queue()
        self.changed = asyncio.Event()
        self.arrived = asyncio.Event()
        self.socket = None
        self.move()
        self.probe = Probe(
            transmit=lambda data: self.socket.send(data),
            on_rtp=lambda data: self.received.put_nowait(parse_rtp(data)),
            identity=IDENTITY,
        )
        callbacks = {"on_state": self._on_state, "on_data": lambda *_: None, **callbacks}
        self.peer = port.new_peer(**callbacks)

    def _on_state(self, state):
        self.states.append(state)
        self.changed.set()

    def move(self):
        """Go on from another address."""
        self.leave()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", self.port.port))
        self.loop.add_reader(self.socket.fileno(), self._on_readable)

    def leave(self):
        if self.socket is not None:
            self.loop.remove_reader(self.socket.fileno())
            self.socket.close()
            self.socket = None

    def _on_readable(self):
        self.probe.on_datagram(self.socket.recv(2048))
        self.arrived.set()

    def check(self):
        """Begin the checks with the peer's present credentials."""
        self.probe.start(
            ufrag=self.peer.local_ufrag,
            pwd=self.peer.local_pwd,
            fingerprint=self.port.fingerprint,
            now=self.loop.time(),
        )

    async def until(self, condition):
        """Wait for a condition that a datagram to this client brings about."""
        async with asyncio.timeout(5):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()

    async def connect(self):
        self.peer.set_remote(ufrag=self.probe.ufrag, pwd=self.probe.pwd, fingerprint=self.probe.fingerprint)
        self.check()
        await asyncio.wait_for(self.changed.wait(), 5)
        await self.until(lambda: self.probe.connected)
        return self


@pytest.fixture
async def new_remote(port, audio_in, audio_out):
    made = []

    def make(**callbacks):
        made.append(Remote(port, **callbacks))
        return made[-1]

    yield make
    for remote in made:
        remote.leave()


@pytest.fixture
async def talk(new_remote, audio_in, audio_out):
    """Two connected remotes, the first heard by the second; call it to prove that media flows."""
    speaker, listener = [await new_remote().connect() for _ in range(2)]
    listener.peer.send(speaker.peer.receive(audio_in), audio_out)
    sequence = iter(range(1, 10_000))

    async def prove():
        number = next(sequence)
        speaker.probe.send_rtp(
            pack_rtp(
                payload_type=111,
                sequence=number,
                timestamp=number * 960,
                ssrc=9,
                extensions=[(1, b"0")],
                payload=b"%d" % number,
            )
        )
        heard = await asyncio.wait_for(listener.received.get(), 5)
        assert heard.payload == b"%d" % number

    prove.speaker, prove.listener = speaker, listener
    return prove


def garbage():
    """Datagrams of every protocol on the port, malformed in many ways."""
    die = random.Random(3)
    for _ in range(40):
        noise = die.randbytes(die.randrange(0, 1400))
        yield noise
        yield b"\x80\x60" + noise
        yield b"\x90\x60" + noise
        yield b"\x81\xc9" + noise
        yield b"\x16\xfe\xfd" + noise
        yield b"\x17\xfe\xfd" + bytes(8) + noise
        yield b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"
        yield b"\x00\x01" + len(noise).to_bytes(2, "big") + MAGIC + bytes(12) + noise
        yield b"\x00\x01\x00\x00" + MAGIC + bytes(12)
        yield b"\x01\x01\x00\x00" + MAGIC + bytes(12)
    yield b""
    yield bytes(60_000)


async def test_garbage_from_a_stranger_disturbs_nobody(port, talk, caplog):
    await talk()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.setblocking(False)
        for datagram in garbage():
            stranger.sendto(datagram, ("127.0.0.1", port.port))
        await talk()
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)
    assert not caplog.records


async def test_garbage_from_a_client_disturbs_nobody_not_even_itself(talk, caplog):
    for remote in (talk.speaker, talk.listener):
        for datagram in garbage():
            remote.probe.send_raw(datagram)
        await talk()
    assert talk.speaker.states == talk.listener.states == ["connected"]
    assert not caplog.records


async def test_encrypted_garbage_of_a_client_disturbs_nobody(talk, caplog):
    for datagram in garbage():
        if 12 <= len(datagram) < 1300:
            try:
                talk.speaker.probe.send_rtp(b"\x90\x70" + datagram[2:])
                talk.speaker.probe.send_rtcp(b"\x81\xce" + datagram[2:])
                talk.speaker.probe.send_rtcp(b"\x81\xcd" + datagram[2:])
            except ValueError:
                continue
    talk.speaker.probe.send_rtcp(pack_receiver_reports(1, []))
    await talk()
    assert not caplog.records


async def test_flood_of_checks_gets_no_answer_unless_signed(port, talk):
    known = talk.speaker.peer.local_ufrag
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        flooder.bind(("127.0.0.1", 0))
        flooder.setblocking(False)
        for number in range(500):
            username = f"{known}:x" if number % 2 else f"nobody{number}:x"
            datagram = pack_binding_request(bytes(12), username=username, pwd="guess" * 5)
            flooder.sendto(datagram, ("127.0.0.1", port.port))
        await talk()
        with pytest.raises(BlockingIOError):
            flooder.recv(2048)


async def test_client_that_changes_its_address_goes_on(talk):
    await talk()
    for remote in (talk.listener, talk.speaker):
        remote.move()
        answered = remote.probe.answered_checks
        remote.check()
        await remote.until(lambda r=remote, n=answered: r.probe.answered_checks > n)
        await talk()
    assert talk.listener.states == ["connected"]


async def test_ice_restart_keeps_media_and_retires_old_credentials(port, talk):
    listener = talk.listener
    old = (listener.peer.local_ufrag, listener.peer.local_pwd)
    ufrag, pwd = listener.peer.restart_ice()
    assert (ufrag, pwd) == (listener.peer.local_ufrag, listener.peer.local_pwd) != old

    old_check = pack_binding_request(bytes(12), username=f"{old[0]}:x", pwd=old[1])
    answered = listener.probe.answered_checks
    listener.probe.send_raw(old_check)
    await listener.until(lambda: listener.probe.answered_checks == answered + 1)
    listener.check()
    await listener.until(lambda: listener.probe.answered_checks == answered + 2)
    await talk()

    listener.probe.send_raw(old_check)
    await talk()
    assert listener.probe.answered_checks == answered + 2


async def test_changed_fingerprint_within_a_connection_is_refused(talk):
    with pytest.raises(ValueError, match="changed"):
        talk.speaker.peer.set_remote(ufrag="a", pwd="b", fingerprint="sha-256 AA:BB")


async def test_closed_peer_is_forgotten(port, talk):
    speaker = talk.speaker
    speaker.peer.close()
    answered = speaker.probe.answered_checks
    speaker.check()
    speaker.probe.send_raw(b"\x80\x60" + bytes(40))
    await asyncio.wait_for(port_has_read(port), 5)
    assert speaker.probe.answered_checks == answered
    assert speaker.states == ["connected"], "closing is no news for the one who closes"
    assert not speaker.peer.send_data("_reliable", b"x")
    speaker.peer.close()


async def port_has_read(port):
    """Wait until everything sent before has been read: a new client gets its answer after that."""
    last = Remote(port)
    await last.connect()
    last.peer.close()
    last.leave()


async def test_error_in_a_callback_hurts_only_its_own_peer(talk, new_remote, caplog):
    def fail(state):
        raise RuntimeError(state)

    remote = new_remote(on_state=fail)
    remote.peer.set_remote(ufrag="a", pwd="b", fingerprint=remote.probe.fingerprint)
    remote.check()
    await remote.until(lambda: remote.probe.connected)
    await talk()
    assert "failed" in caplog.text
    caplog.clear()


async def test_bound_host_or_given_addresses_are_the_candidates():
    for addresses, offered in ((), ["127.0.0.1"]), (("198.51.100.7",), ["198.51.100.7"]):
        port = await MediaPort.open(host="127.0.0.1", addresses=addresses)
        assert port.candidates == [(ip, port.port) for ip in offered]
        assert port.fingerprint.startswith("sha-256 ")
        await port.close()
    assert host_addresses()[0] == "127.0.0.1"


async def test_taken_port_is_an_error(port):
    with pytest.raises(OSError, match="in use"):
        await MediaPort.open(host="127.0.0.1", port=port.port)

"""Whether media addresses answer: one ICE connectivity check each (RFC 8445 section 7), no media.

The engine offers a connection as to any browser; the answer names credentials of ours, and then a signed
binding request goes to every UDP candidate. Only who got the request can name its random id in the answer,
and the engine answers only what is signed with its password. TCP candidates are only connected to.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from aioice import stun
from livekit.protocol import rtc
from websockets.asyncio.client import ClientConnection

GATHERING_SECONDS = 3.0
CHECK_SECONDS = 2.0
_REPEAT_SECONDS = 0.25
_PRIORITY = 1_845_501_695  # of a peer-reflexive candidate (RFC 8445 section 5.1.2)
_ANSWER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE {mid}\r
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r
c=IN IP4 0.0.0.0\r
a=mid:{mid}\r
a=ice-ufrag:{ufrag}\r
a=ice-pwd:{pwd}\r
a=fingerprint:sha-256 {fingerprint}\r
a=setup:active\r
a=sctp-port:5000\r
"""


@dataclass(slots=True)
class Offered:
    """The addresses (`ip:port`) that an engine offers, and those of them that answer from here."""

    udp: list[str] = field(default_factory=list)
    tcp: list[str] = field(default_factory=list)
    answering_udp: list[str] = field(default_factory=list)
    answering_tcp: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """All of them."""
        return [*self.udp, *self.tcp]


@dataclass(frozen=True, slots=True)
class _Remote:
    ufrag: str
    pwd: str
    mid: str


async def describe_media(socket: ClientConnection) -> Offered:
    """Return what the engine behind a fresh signalling connection (v0) offers, and what of it answers.

    Raises `TimeoutError` when it offers nothing at all in time.
    """
    remote, candidates = await _offer(socket)
    ufrag, pwd = secrets.token_hex(4), secrets.token_hex(16)
    fingerprint = ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
    sdp = _ANSWER.format(mid=remote.mid, ufrag=ufrag, pwd=pwd, fingerprint=fingerprint)
    answer = rtc.SessionDescription(type="answer", sdp=sdp, id=candidates.offer_id)
    await socket.send(rtc.SignalRequest(answer=answer).SerializeToString())
    offered = Offered(udp=candidates.of("udp"), tcp=candidates.of("tcp"))
    udp = [_answers_udp(address, remote, ufrag=ufrag) for address in offered.udp]
    tcp = [_answers_tcp(address) for address in offered.tcp]
    outcome = await asyncio.gather(*udp, *tcp)
    offered.answering_udp = [each for each, answers in zip(offered.udp, outcome, strict=False) if answers]
    offered.answering_tcp = [
        each for each, answers in zip(offered.tcp, outcome[len(udp) :], strict=True) if answers
    ]
    return offered


@dataclass(slots=True)
class _Candidates:
    offer_id: int = 0
    lines: list[str] = field(default_factory=list)

    def of(self, transport: str) -> list[str]:
        """Host and mapped addresses of a transport, each once. Relayed ones are another server's."""
        found: dict[str, None] = {}
        for line in self.lines:
            parts = line.removeprefix("a=").removeprefix("candidate:").split()
            if len(parts) >= 8 and parts[2].lower() == transport and parts[7] != "relay":
                host = f"[{parts[4]}]" if ":" in parts[4] else parts[4]
                found[f"{host}:{parts[5]}"] = None
        return list(found)


async def _offer(socket: ClientConnection) -> tuple[_Remote, _Candidates]:
    """Wait for the engine's offer and its candidates, inside it or one by one."""
    candidates, remote = _Candidates(), None
    try:
        async with asyncio.timeout(GATHERING_SECONDS):
            while True:
                told = rtc.SignalResponse.FromString(await socket.recv(decode=False))
                if told.HasField("offer"):
                    lines = told.offer.sdp.splitlines()
                    remote = _Remote(*(_value(lines, name) for name in ("ice-ufrag", "ice-pwd", "mid")))
                    candidates.offer_id = told.offer.id
                    candidates.lines += [line for line in lines if line.startswith("a=candidate:")]
                    if "a=ice-lite" in lines and candidates.lines:
                        return remote, candidates
                elif told.HasField("trickle") and told.trickle.target == rtc.SignalTarget.SUBSCRIBER:
                    line = json.loads(told.trickle.candidateInit or "{}").get("candidate", "")
                    candidates.lines += [line] if line else []
                    if told.trickle.final and remote is not None:
                        return remote, candidates
    except TimeoutError:
        if remote is None:
            raise
    return remote, candidates


def _value(lines: Iterable[str], name: str) -> str:
    return next((line.split(":", 1)[1] for line in lines if line.startswith(f"a={name}:")), "")


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, transaction_id: bytes) -> None:
        self.answered = asyncio.Event()
        self._transaction_id = transaction_id

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        # An error (both sides want to control) is an answer as well: only a known, signed request gets one.
        is_answer = message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR)
        if is_answer and message.transaction_id == self._transaction_id:
            self.answered.set()


async def _answers_udp(address: str, remote: _Remote, *, ufrag: str) -> bool:
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    request = _binding_request(remote, ufrag=ufrag)
    try:
        transport, listener = await loop.create_datagram_endpoint(
            lambda: _Listener(request.transaction_id), remote_addr=(host.strip("[]"), int(port))
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            while not listener.answered.is_set():
                transport.sendto(bytes(request))
                try:
                    async with asyncio.timeout(_REPEAT_SECONDS):
                        await listener.answered.wait()
                except TimeoutError:
                    continue
    except TimeoutError:
        return False
    finally:
        transport.close()
    return True


def _binding_request(remote: _Remote, *, ufrag: str) -> stun.Message:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{remote.ufrag}:{ufrag}"
    message.attributes["PRIORITY"] = _PRIORITY
    message.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
    message.add_message_integrity(remote.pwd.encode())
    return message


async def _answers_tcp(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True

"""What both ways of negotiating have in common, and the contract that a participant relies on."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from livekit.protocol import rtc

from callclock_server.sfu.media import MediaPort, Peer
from callclock_server.sfu.sdp import Description, SdpError, parse
from callclock_server.sfu.sdp_writer import LocalTransport
from callclock_server.sfu.signal_socket import ProtocolViolation

NEGOTIATION_DELAY_SECONDS = 0.02
"""Changes this close together share one round: a joiner's microphone and camera, for instance."""


class Negotiation(Protocol):
    """How a participant's media sections are agreed on: one connection (v1) or two (v0)."""

    def start(self) -> None:
        """Begin, right after the join response was queued."""

    def changed(self) -> None:
        """Note that subscriptions changed; a round follows soon."""

    def resume(self) -> None:
        """Begin again after signalling was resumed."""

    def on_offer(self, offer: rtc.SessionDescription) -> None:
        """Take an offer of the client. Raises `ProtocolViolation` when it is unusable."""

    def on_answer(self, answer: rtc.SessionDescription) -> None:
        """Take an answer of the client. Raises `ProtocolViolation` when it is unusable."""

    def send_data(self, label: str, payload: bytes) -> bool:
        """Send on a data channel; False when it is not open."""

    def close(self) -> None:
        """Close the peers."""

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The peers in use, the one that decides about the connection first."""


PeerState = Callable[[str], None]
PeerData = Callable[[str, bytes], None]


class Association:
    """One peer with its remote credentials, ICE restarts and description versions."""

    def __init__(self, media: MediaPort, *, on_state: PeerState, on_data: PeerData) -> None:
        self._media = media
        self.peer = media.new_peer(on_state=on_state, on_data=on_data)
        self._ufrag, self._pwd = self.peer.local_ufrag, self.peer.local_pwd
        self._remote: tuple[str, str] | None = None
        self.session_id = secrets.randbelow(2**62)
        self._version = 1

    def take_remote(self, description: Description, *, answers_restart: bool = False) -> None:
        """Adopt the client's ICE and DTLS facts; new ICE credentials restart ICE (RFC 8445 section 9).

        `answers_restart`: the server restarted already and this is the client's half.
        """
        remote = (description.ufrag, description.pwd)
        if remote == self._remote:
            return
        if description.setup == "passive":
            raise ProtocolViolation("the client must take the active DTLS role")
        if self._remote is not None and not answers_restart:
            self.restart_ice()
        try:
            self.peer.set_remote(
                ufrag=description.ufrag, pwd=description.pwd, fingerprint=description.fingerprint
            )
        except ValueError as exc:
            raise ProtocolViolation(f"unusable transport facts: {exc}") from exc
        self._remote = remote

    def restart_ice(self) -> None:
        """Take new local ICE credentials; the old ones work until the new ones are used."""
        self._ufrag, self._pwd = self.peer.restart_ice()

    def next_version(self) -> int:
        """The version of the next description (RFC 9429 section 5.2.2: it increases)."""
        self._version += 1
        return self._version

    def answering(self) -> LocalTransport:
        """The transport facts of an answer."""
        candidates, fingerprint = self._media.candidates, self._media.fingerprint
        return LocalTransport(self._ufrag, self._pwd, fingerprint, candidates, "passive")

    def offering(self) -> LocalTransport:
        """The transport facts of an offer."""
        candidates, fingerprint = self._media.candidates, self._media.fingerprint
        return LocalTransport(self._ufrag, self._pwd, fingerprint, candidates, "actpass")


def read_description(message: rtc.SessionDescription, *, expected: str) -> Description:
    """Parse a client's description. Raises `ProtocolViolation`."""
    if message.type != expected:
        raise ProtocolViolation(f"{expected} expected, got {message.type[:20]!r}")
    try:
        return parse(message.sdp)
    except SdpError as exc:
        raise ProtocolViolation(f"unusable description: {exc}") from exc

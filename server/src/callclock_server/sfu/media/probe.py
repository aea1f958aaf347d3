"""A synthetic client for tests and benches: the controlling side of ICE, a DTLS client, raw RTP in and out.

It has no socket and no clock either; its owner carries its datagrams and tells the time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from callclock_server.sfu.media.dtls import DtlsEndpoint, DtlsIdentity, check_fingerprint
from callclock_server.sfu.media.ice import make_credentials
from callclock_server.sfu.media.rtp import is_rtcp
from callclock_server.sfu.media.sctp import DataChannels
from callclock_server.sfu.media.srtp import SrtpSession
from callclock_server.sfu.media.stun import is_stun, pack_binding_request

_CHECK_SECONDS = 1.0


def _ignore(*_: object) -> None:
    """Default for callbacks that nobody asked for."""


class Probe:
    """One synthetic client; `on_rtp` and `on_rtcp` get decrypted packets."""

    def __init__(
        self,
        *,
        transmit: Callable[[bytes], None],
        on_rtp: Callable[[bytes], None] = _ignore,
        on_rtcp: Callable[[bytes], None] = _ignore,
        on_data: Callable[[str, bytes], None] = _ignore,
        identity: DtlsIdentity | None = None,
    ) -> None:
        identity = identity or DtlsIdentity()
        self.ufrag, self.pwd = make_credentials()
        self.fingerprint = identity.fingerprint
        self.answered_checks = 0
        self._transmit = transmit
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_data = on_data
        self._remote = ("", "")
        self._checked_at = float("-inf")
        self._dtls = DtlsEndpoint(identity, transmit=transmit, server=False)
        self._rx: SrtpSession | None = None
        self._tx: SrtpSession | None = None
        self.channels: DataChannels | None = None

    @property
    def connected(self) -> bool:
        """Whether media can be sent."""
        return self._tx is not None

    def start(self, *, ufrag: str, pwd: str, fingerprint: str, now: float) -> None:
        """Take the server's description and begin (or, with new credentials, restart) the checks."""
        self._dtls.expected_fingerprint = check_fingerprint(fingerprint)
        self._remote = (ufrag, pwd)
        self._checked_at = float("-inf")
        self.on_timer(now)

    def open_sctp(self, *, port: int) -> DataChannels:
        """Begin the SCTP association; needs a running event loop and a connection."""
        self.channels = DataChannels(
            send=self._dtls.send, on_data=self._on_data, on_channel=_ignore, server=False
        )
        self.channels.start(port=port, max_message_size=0)
        return self.channels

    def on_timer(self, now: float) -> None:
        """Send checks and repeat handshake flights; every 50 ms or so."""
        if now - self._checked_at >= _CHECK_SECONDS:
            self._checked_at = now
            ufrag, pwd = self._remote
            username = f"{ufrag}:{self.ufrag}"
            self._transmit(pack_binding_request(secrets.token_bytes(12), username=username, pwd=pwd))
        if self.answered_checks:
            self._dtls.on_timer()

    def on_datagram(self, data: bytes) -> None:
        """Take one datagram from the server."""
        first = data[0]
        if is_stun(data):
            self.answered_checks += 1
            if self.answered_checks == 1:
                self._dtls.connect()
        elif 20 <= first < 64:
            for message in self._dtls.receive(data):
                if self.channels is not None:
                    self.channels.receive(message)
            if self._dtls.secrets is not None and self._tx is None:
                self._rx = SrtpSession(self._dtls.secrets.receive, inbound=True)
                self._tx = SrtpSession(self._dtls.secrets.send, inbound=False)
        elif self._rx is not None:
            if is_rtcp(data):
                self._on_rtcp(self._rx.unprotect_rtcp(data))
            else:
                self._on_rtp(self._rx.unprotect(data))

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send one RTP packet."""
        if self._tx is not None:
            self._transmit(self._tx.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send one compound RTCP packet."""
        if self._tx is not None:
            self._transmit(self._tx.protect_rtcp(packet))

    def send_raw(self, datagram: bytes) -> None:
        """Send a datagram as it is, to see what the server makes of it."""
        self._transmit(datagram)

    def close(self) -> None:
        """Say goodbye."""
        self._dtls.close()

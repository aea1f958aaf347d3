"""One ICE + DTLS association with a client: everything of one PeerConnection."""

from __future__ import annotations

import time
from collections.abc import Callable

from callclock_server.sfu.media.downtrack import DownTrack
from callclock_server.sfu.media.dtls import DtlsEndpoint, DtlsIdentity, check_fingerprint
from callclock_server.sfu.media.ice import IceLite
from callclock_server.sfu.media.incoming import Incoming
from callclock_server.sfu.media.outgoing import Outgoing
from callclock_server.sfu.media.rtcp import (
    KeyframeRequest,
    Nack,
    ReportBlock,
    SenderReport,
    parse_rtcp,
)
from callclock_server.sfu.media.rtp import is_rtcp
from callclock_server.sfu.media.sctp import LOCAL_SCTP_PORT, DataChannels
from callclock_server.sfu.media.specs import PeerStats, ReceiveSpec, SendSpec
from callclock_server.sfu.media.srtp import SrtpSession
from callclock_server.sfu.media.stun import Address, BindingRequest
from callclock_server.sfu.media.uptrack import UpTrack


class Peer:
    """One PeerConnection of a client; the server is ICE-lite and DTLS server. Made by `MediaPort.new_peer`.

    `on_state` hears "connected" when media can flow, "disconnected" when the client has not been heard of
    for 15 s (30 s before its first check), "connected" again if it comes back, and "closed" when the client
    ended the association or it failed. After `close` nothing is called any more.
    """

    def __init__(
        self,
        identity: DtlsIdentity,
        *,
        transmit: Callable[[bytes, Address], None],
        on_state: Callable[[str], None],
        on_data: Callable[[str, bytes], None],
        on_channel: Callable[[str], None] | None = None,
        on_credentials: Callable[[Peer], None] | None = None,
        on_close: Callable[[Peer], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ice = IceLite()
        self.state = "new"
        self.sctp_port = LOCAL_SCTP_PORT
        self._transmit = transmit
        self._on_state = on_state
        self._on_data = on_data
        self._on_channel = on_channel
        self._on_credentials = on_credentials
        self._on_close = on_close
        self._clock = clock
        self._dtls = DtlsEndpoint(identity, transmit=self._send_datagram)
        self._rx: SrtpSession | None = None
        self._tx: SrtpSession | None = None
        self._channels = DataChannels(
            send=self._dtls.send,
            on_data=self._deliver_data,
            on_channel=self._announce_channel,
        )
        self._sctp: tuple[int, int] | None = None
        self._sctp_started = False
        self._closed = False
        self._packets_in = self._bytes_in = self._packets_out = self._bytes_out = 0
        self._incoming = Incoming(send_rtcp=self._send_rtcp, forget_ssrc=self._forget_received, clock=clock)
        self._outgoing = Outgoing(
            send_rtp=self._send_rtp,
            send_rtcp=self._send_rtcp,
            forget_ssrc=self._forget_sent,
            clock=clock,
        )

    @property
    def local_ufrag(self) -> str:
        """The ICE user fragment to put into the next description."""
        return self.ice.ufrag

    @property
    def local_pwd(self) -> str:
        """The ICE password to put into the next description."""
        return self.ice.pwd

    def set_remote(self, *, ufrag: str, pwd: str, fingerprint: str) -> None:
        """Take the client's description. Call it before (or as soon as) the client has ours.

        `ufrag` and `pwd` are not needed by an ICE-lite agent, which never asks; `fingerprint` is
        "sha-256 AA:BB..". Raises ValueError for one that cannot be verified or that changed after the
        handshake, which would be another client.
        """
        expected = check_fingerprint(fingerprint)
        if self._dtls.state == "connected" and expected != self._dtls.expected_fingerprint:
            raise ValueError("the DTLS fingerprint changed within a connection")
        self._dtls.expected_fingerprint = expected
        self.ice.start(self._clock())

    def restart_ice(self) -> tuple[str, str]:
        """Make new (ufrag, pwd); the old pair stays valid until the new one is used. DTLS and SRTP go on."""
        credentials = self.ice.restart()
        if self._on_credentials is not None:
            self._on_credentials(self)
        return credentials

    def receive(self, spec: ReceiveSpec, *, on_media: Callable[[], None] | None = None) -> UpTrack:
        """Receive an m-section; `on_media` is called on its first packet. Replaces one of the same mid."""
        return self._incoming.add(spec, on_media=on_media)

    def stop_receiving(self, up: UpTrack) -> None:
        """Stop receiving an m-section; its packets are dropped from now on."""
        self._incoming.remove(up)

    def send(self, up: UpTrack, spec: SendSpec) -> DownTrack:
        """Forward a track (of another peer) into an m-section of this peer, from its next key frame on.

        Raises ValueError if the SSRC is zero or in use in this peer.
        """
        return self._outgoing.add(up, spec)

    def stop_sending(self, down: DownTrack) -> None:
        """Stop forwarding a track."""
        self._outgoing.remove(down)

    def set_sctp(self, *, port: int, max_message_size: int) -> None:
        """Take the client's SCTP port and its limit for one message in bytes (0: none)."""
        self._sctp = (port, max_message_size)
        self._start_sctp()

    def open_channel(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        """Open a data channel from the server's side; `on_channel` tells when it is open."""
        self._channels.open(label, ordered=ordered, max_retransmits=max_retransmits)

    def send_data(self, label: str, payload: bytes) -> bool:
        """Send on the data channel of this label; False if that is not possible now."""
        return not self._closed and self._channels.send(label, payload)

    def stats(self) -> PeerStats:
        """Return the counters of this peer."""
        incoming, outgoing = self._incoming, self._outgoing
        return PeerStats(
            packets_in=self._packets_in,
            bytes_in=self._bytes_in,
            packets_out=self._packets_out,
            bytes_out=self._bytes_out,
            nacks_in=outgoing.nacks,
            nacks_out=incoming.nacks,
            plis_in=outgoing.plis,
            plis_out=incoming.plis,
            rtx_in=incoming.repairs,
            rtx_out=outgoing.repairs,
            lost_in=incoming.lost,
            loss_out=outgoing.loss,
            round_trip_seconds=outgoing.round_trip_seconds,
        )

    def close(self) -> None:
        """End the association and tell the client."""
        if self._closed:
            return
        self._closed = True
        self._outgoing.close()
        self._incoming.close()
        self._channels.close()
        self._dtls.close()
        self.state = "closed"
        if self._on_close is not None:
            self._on_close(self)

    def on_binding(self, request: BindingRequest, *, address: Address, now: float) -> bool:
        """Answer an ICE check; False if it is not authentic."""
        answer = None if self._closed else self.ice.answer(request, address=address, now=now)
        if answer is None:
            return False
        self._transmit(answer, address)
        if self.state == "disconnected" and self._dtls.state == "connected":
            self._set_state("connected")
        return True

    def on_datagram(self, data: bytes, now: float) -> None:
        """Take one datagram from an address that proved to be the client's; garbage is dropped."""
        if self._closed:
            return
        first = data[0]
        if 128 <= first < 192:
            if self._rx is not None:
                self._packets_in += 1
                self._bytes_in += len(data)
                try:
                    if is_rtcp(data):
                        self._on_rtcp(self._rx.unprotect_rtcp(data), now)
                    else:
                        self._incoming.on_rtp(self._rx.unprotect(data), now)
                except ValueError:
                    return
        elif 20 <= first < 64:
            self._on_dtls(data)

    def flush(self, now: float) -> None:
        """Send feedback that is due after a batch of datagrams."""
        if not self._closed:
            self._incoming.flush(now)

    def on_timer(self, now: float) -> None:
        """Do what is due by time; every 50 ms or so."""
        if self._closed:
            return
        self._dtls.on_timer()
        if self.state in ("new", "connected") and not self.ice.has_consent(now):
            self._set_state("disconnected")
        if self.state == "connected":
            self._incoming.on_timer(now)
            self._outgoing.on_timer(now)

    def _on_dtls(self, data: bytes) -> None:
        before = self._dtls.state
        messages = self._dtls.receive(data)
        if before == "new" and self._dtls.secrets is not None:
            self._rx = SrtpSession(self._dtls.secrets.receive, inbound=True)
            self._tx = SrtpSession(self._dtls.secrets.send, inbound=False)
            self._set_state("connected")
            self._start_sctp()
        for message in messages:
            self._channels.receive(message)
        if self._dtls.state in ("closed", "failed") and self.state != "closed":
            self._set_state("closed")

    def _on_rtcp(self, data: bytes, now: float) -> None:
        for message in parse_rtcp(data):
            if isinstance(message, ReportBlock):
                self._outgoing.on_report(message, now)
            elif isinstance(message, SenderReport):
                self._incoming.on_sender_report(message, now)
            elif isinstance(message, Nack):
                self._outgoing.on_nack(message, now)
            elif isinstance(message, KeyframeRequest):
                self._outgoing.on_keyframe_request(message)

    def _start_sctp(self) -> None:
        if self._sctp is not None and self._dtls.state == "connected" and not self._sctp_started:
            self._sctp_started = True
            self._channels.start(port=self._sctp[0], max_message_size=self._sctp[1])

    def _deliver_data(self, label: str, payload: bytes) -> None:
        if not self._closed:
            self._on_data(label, payload)

    def _announce_channel(self, label: str) -> None:
        if self._on_channel is not None and not self._closed:
            self._on_channel(label)

    def _set_state(self, state: str) -> None:
        self.state = state
        if state == "connected":
            self._outgoing.start_over(self._clock())
        self._on_state(state)

    def _send_rtp(self, data: bytes) -> None:
        if self._tx is not None and self.state == "connected":
            try:
                data = self._tx.protect(data)
            except ValueError:
                return  # too long for this client with its own extensions; the others still get theirs
            self._packets_out += 1
            self._bytes_out += len(data)
            self._send_datagram(data)

    def _send_rtcp(self, data: bytes) -> None:
        if self._tx is not None and self.state == "connected":
            self._send_datagram(self._tx.protect_rtcp(data))

    def _send_datagram(self, data: bytes) -> None:
        if self.ice.selected is not None:
            self._transmit(data, self.ice.selected)

    def _forget_received(self, ssrc: int) -> None:
        if self._rx is not None:
            self._rx.forget(ssrc)

    def _forget_sent(self, ssrc: int) -> None:
        if self._tx is not None:
            self._tx.forget(ssrc)

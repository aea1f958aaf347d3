"""One UDP socket shared by all peers: the thin shell of input, output and timer around the pure parts."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence

import ifaddr

from callclock_server.sfu.media.dtls import DtlsIdentity
from callclock_server.sfu.media.peer import Peer
from callclock_server.sfu.media.stun import Address, is_stun, parse_binding_request

_log = logging.getLogger(__name__)

_ANY_HOST = "0.0.0.0"  # noqa: S104  browsers reach a media server on whichever interface they can

_BATCH = 64
_MAX_DATAGRAM = 2048
_BUFFER_BYTES = 4 * 1024 * 1024
_TIMER_SECONDS = 0.05
_LOG_SECONDS = 10.0


def host_addresses() -> list[str]:
    """IPv4 addresses of this machine: 127.0.0.1 first, then those of every other interface."""
    found = ["127.0.0.1"]
    entries = (entry.ip for adapter in ifaddr.get_adapters() for entry in adapter.ips)
    found += [ip for ip in entries if isinstance(ip, str) and not ip.startswith(("127.", "169.254."))]
    return list(dict.fromkeys(found))


class MediaPort:
    """The media plane of a room server: one UDP port, any number of peers.

    A datagram reaches a peer by its source address once a signed ICE check came from there; checks find
    their peer by user name. Everything else is dropped after a look at a few bytes.
    """

    def __init__(self, sock: socket.socket, *, candidates: list[Address]) -> None:
        self.port: int = sock.getsockname()[1]
        self.candidates = candidates
        self._identity = DtlsIdentity()
        self.fingerprint = self._identity.fingerprint
        self.dropped = 0
        self._sock = sock
        self._sendto = sock.sendto
        self._loop = asyncio.get_running_loop()
        self._peers: dict[Peer, set[Address]] = {}
        self._by_ufrag: dict[str, Peer] = {}
        self._by_address: dict[Address, Peer] = {}
        self._touched: set[Peer] = set()
        self._logged_at = float("-inf")
        self._loop.add_reader(sock.fileno(), self._on_readable)
        self._timer: asyncio.TimerHandle | None = None  # runs while there are peers

    @classmethod
    async def open(cls, *, host: str = _ANY_HOST, port: int = 0, addresses: Sequence[str] = ()) -> MediaPort:
        """Bind the socket. Raises OSError if the port is taken.

        `addresses` are the IPs offered to clients; without them the bound one, or for 0.0.0.0 the
        loopback and every interface's IPv4 address.
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        offered = list(addresses) or (host_addresses() if host == _ANY_HOST else [host])
        bound = sock.getsockname()[1]
        return cls(sock, candidates=[(ip, bound) for ip in offered])

    def new_peer(
        self,
        *,
        on_state: Callable[[str], None],
        on_data: Callable[[str, bytes], None],
        on_channel: Callable[[str], None] | None = None,
    ) -> Peer:
        """Make a peer; see `Peer` for the states. `on_data` gets (label, payload) of data channels."""
        peer = Peer(
            self._identity,
            transmit=self._transmit,
            on_state=on_state,
            on_data=on_data,
            on_channel=on_channel,
            on_credentials=self._index,
            on_close=self._forget,
        )
        self._peers[peer] = set()
        self._index(peer)
        if self._timer is None:
            self._timer = self._loop.call_later(_TIMER_SECONDS, self._on_timer)
        return peer

    async def close(self) -> None:
        """Close every peer and the socket."""
        for peer in list(self._peers):
            peer.close()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _index(self, peer: Peer) -> None:
        wanted = peer.ice.ufrags
        for ufrag in [u for u, owner in self._by_ufrag.items() if owner is peer and u not in wanted]:
            del self._by_ufrag[ufrag]
        for ufrag in wanted:
            self._by_ufrag[ufrag] = peer

    def _forget(self, peer: Peer) -> None:
        for address in self._peers.pop(peer, ()):
            if self._by_address.get(address) is peer:
                del self._by_address[address]
        for ufrag in [u for u, owner in self._by_ufrag.items() if owner is peer]:
            del self._by_ufrag[ufrag]

    def _transmit(self, data: bytes, address: Address) -> None:
        try:
            self._sendto(data, address)
        except OSError:
            # A full buffer or a vanished route is packet loss, which the protocols above repair.
            self.dropped += 1

    def _on_readable(self) -> None:
        recvfrom = self._sock.recvfrom
        by_address = self._by_address
        touched = self._touched
        for _ in range(_BATCH):
            try:
                data, address = recvfrom(_MAX_DATAGRAM)
            except OSError:
                break
            now = time.monotonic()
            try:
                if data and data[0] > 3:
                    peer = by_address.get(address)
                    if peer is not None:
                        peer.on_datagram(data, now)
                        touched.add(peer)
                elif is_stun(data):
                    self._on_stun(data, address, now)
            except Exception:  # one client's datagram must never stop the others
                self._log_failure()
        if touched:
            self._flush(time.monotonic())

    def _flush(self, now: float) -> None:
        for peer in self._touched:
            try:
                peer.flush(now)
            except Exception:  # see _on_readable
                self._log_failure()
        self._touched.clear()

    def _on_stun(self, data: bytes, address: Address, now: float) -> None:
        request = parse_binding_request(data)
        if request is None:
            return
        peer = self._by_ufrag.get(request.local_ufrag)
        if peer is None or not peer.on_binding(request, address=address, now=now):
            return
        if self._by_address.get(address) is not peer:
            self._adopt(address, peer)
        if len(peer.ice.ufrags) == 1:
            self._by_ufrag[peer.ice.ufrag] = peer

    def _adopt(self, address: Address, peer: Peer) -> None:
        known = self._peers[peer]
        for stale in known.difference(peer.ice.addresses):
            known.discard(stale)
            if self._by_address.get(stale) is peer:
                del self._by_address[stale]
        known.add(address)
        self._by_address[address] = peer

    def _on_timer(self) -> None:
        if not self._peers:
            self._timer = None
            return
        self._timer = self._loop.call_later(_TIMER_SECONDS, self._on_timer)
        now = time.monotonic()
        for peer in list(self._peers):
            try:
                peer.on_timer(now)
            except Exception:  # see _on_readable
                self._log_failure()

    def _log_failure(self) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            _log.exception("datagram or timer of one peer failed")

"""Data channels (RFC 8831, RFC 8832) over aiortc's SCTP association.

aiortc is touched nowhere else. Its transport is used without its DTLS: `_DtlsLink` is the duck-typed
lower layer, and the names it relies on (`_role`, `_register_data_receiver`, `_send_data`,
`RTCSctpTransport._handle_data`, `_advertised_rwnd`) are held by a contract test. None of aiortc's
coroutines on this path suspends, because the link never does; they are run to the end at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

_log = logging.getLogger(__name__)

LOCAL_SCTP_PORT = 5000
_MAX_BUFFERED = 4 * 1024 * 1024
_MAX_EARLY = 1024 * 1024
_MAX_CHANNELS = 16
_MIN_RECEIVE_WINDOW = -1024 * 1024
"""How far a sender may run over the advertised window before it is cut off."""


class _DtlsLink:
    """What RTCSctpTransport needs of a DTLS transport."""

    def __init__(self, send: Callable[[bytes], None], *, server: bool) -> None:
        self.state = "connected"
        self._role = "server" if server else "client"
        self._send = send

    def _register_data_receiver(self, receiver: object) -> None:
        """Receiving is driven by `DataChannels.receive`."""

    def _unregister_data_receiver(self, receiver: object) -> None:
        """See `_register_data_receiver`."""

    async def _send_data(self, data: bytes) -> None:
        self._send(data)


def run_to_end(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never suspends. Raises RuntimeError if it does."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("SCTP step was expected not to suspend")


class DataChannels:
    """The SCTP association of one peer and its channels, addressed by label."""

    def __init__(
        self,
        *,
        send: Callable[[bytes], None],
        on_data: Callable[[str, bytes], None],
        on_channel: Callable[[str], None],
        server: bool = True,
    ) -> None:
        self._link = _DtlsLink(send, server=server)
        self._transport: Any = RTCSctpTransport(self._link, port=LOCAL_SCTP_PORT)
        self._transport.on("datachannel", self._adopt)
        self._on_data = on_data
        self._on_channel = on_channel
        self._channels: dict[str, RTCDataChannel] = {}
        self._early: dict[str, list[bytes]] = {}
        self._closed = False

    def start(self, *, port: int, max_message_size: int) -> None:
        """Begin the association; both sides send an INIT (RFC 8841 section 9.3)."""
        capabilities = RTCSctpCapabilities(maxMessageSize=max_message_size)
        run_to_end(self._transport.start(capabilities, port))

    def open(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        """Open a channel from this side, at once or as soon as the association stands."""
        parameters = RTCDataChannelParameters(label=label, ordered=ordered, maxRetransmits=max_retransmits)
        channel = RTCDataChannel(self._transport, parameters)
        self._watch(channel)
        if max_retransmits is None:
            self._early[label] = []
        channel.on("open", lambda: self._on_open(label))

    def _on_open(self, label: str) -> None:
        for payload in self._early.pop(label, ()):
            self.send(label, payload)
        self._on_channel(label)

    def send(self, label: str, payload: bytes) -> bool:
        """Send on a channel; False if it is not open, too slow, or the message too big for the client.

        What is sent on a reliable channel of this side before it is open waits for that (up to 1 MiB).
        """
        channel = self._channels.get(label)
        if channel is None or self._closed:
            return False
        early = self._early.get(label)
        if early is not None and sum(map(len, early)) + len(payload) <= _MAX_EARLY:
            early.append(payload)
            return True
        if channel.readyState != "open":
            return False
        if channel.bufferedAmount + len(payload) > _MAX_BUFFERED:
            return False
        try:
            channel.send(payload)
        except ValueError:
            return False
        return True

    def receive(self, packet: bytes) -> None:
        """Take one SCTP packet. Malformed ones are dropped; a sender that ignores flow control is cut off."""
        if self._closed:
            return
        try:
            run_to_end(self._transport._handle_data(packet))
        except Exception:  # aiortc asserts on what a broken client sends; it must stay that client's trouble
            _log.debug("SCTP packet dropped", exc_info=True)
        if self._transport._advertised_rwnd < _MIN_RECEIVE_WINDOW:
            self.close()

    def close(self) -> None:
        """Abort the association."""
        if not self._closed:
            self._closed = True
            run_to_end(self._transport.stop())

    def _adopt(self, channel: RTCDataChannel) -> None:
        if len(self._channels) >= _MAX_CHANNELS and channel.label not in self._channels:
            channel.close()
            return
        self._watch(channel)
        self._on_channel(channel.label)

    def _watch(self, channel: RTCDataChannel) -> None:
        label = channel.label
        self._channels[label] = channel
        channel.on("message", lambda message: self._deliver(label, message))

    def _deliver(self, label: str, message: str | bytes) -> None:
        payload = message.encode() if isinstance(message, str) else message
        # Later, so that an error of the application cannot unwind the association half-way.
        asyncio.get_running_loop().call_soon(self._on_data, label, payload)

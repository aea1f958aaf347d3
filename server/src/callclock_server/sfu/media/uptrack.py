"""A track that a client sends to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from callclock_server.sfu.media.layer import Layer
from callclock_server.sfu.media.levels import AudioLevel
from callclock_server.sfu.media.rtp import RtpPacket
from callclock_server.sfu.media.specs import AUDIO_LEVEL_URI, Codec, ReceiveSpec

if TYPE_CHECKING:
    from callclock_server.sfu.media.downtrack import DownTrack

_RID_QUALITIES = {"q": 0, "h": 1, "f": 2}


class UpTrack:
    """One m-section received from a client: its simulcast layers and whoever it is forwarded to.

    Made by `Peer.receive`. `ask_keyframe` sends the request for one layer to the client, `clock` is
    `time.monotonic` or a test's clock.
    """

    def __init__(
        self,
        spec: ReceiveSpec,
        *,
        ask_keyframe: Callable[[Layer], None],
        clock: Callable[[], float],
        on_media: Callable[[], None] | None = None,
    ) -> None:
        self.spec = spec
        self.codecs: dict[int, Codec] = {codec.payload_type: codec for codec in spec.codecs}
        self.rtx_payload_types = {
            codec.rtx_payload_type: codec.payload_type
            for codec in spec.codecs
            if codec.rtx_payload_type is not None
        }
        self.last_packet_at: float | None = None
        self._ask_keyframe = ask_keyframe
        self._clock = clock
        self._on_media = on_media
        self._layers: dict[int, Layer] = {}
        self._downs: tuple[DownTrack, ...] = ()
        self._muted = False
        self._level = AudioLevel()
        self._level_id = spec.extensions.get(AUDIO_LEVEL_URI) if spec.kind == "audio" else None
        self._repairs = any("nack" in codec.feedback for codec in spec.codecs)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers seen so far, low to high quality."""
        return tuple(self._layers[quality] for quality in sorted(self._layers))

    @property
    def rids(self) -> tuple[str, ...]:
        """Simulcast ids seen so far, low to high quality (empty without RID simulcast)."""
        return tuple(layer.rid for layer in self.layers if layer.rid)

    @property
    def is_simulcast(self) -> bool:
        """Whether more than one layer was negotiated."""
        return len(self.spec.rids) > 1 or len(self.spec.ssrcs) > 1

    @property
    def muted(self) -> bool:
        """Whether its packets are dropped on arrival (a muted or forbidden track)."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        if muted == self._muted:
            return
        self._muted = muted
        self._level.silence()
        for down in self._downs:
            down.interrupt()
        if not muted:
            self.request_keyframe()

    def request_keyframe(self) -> None:
        """Ask the client for a key frame of every layer in use (PLI, at most one per 0.3 s and layer)."""
        wanted = [layer for layer in (down.wanted_layer for down in self._downs) if layer is not None]
        for layer in dict.fromkeys(wanted) if wanted else self.layers:
            self.request_layer_keyframe(layer)

    def request_layer_keyframe(self, layer: Layer) -> None:
        """Ask for a key frame of one layer, within the throttle."""
        if self.spec.kind == "video" and not self._muted and layer.may_ask_keyframe(self._clock()):
            self._ask_keyframe(layer)

    def audio_level(self) -> float:
        """Loudness 0..1, smoothed; falls to 0 when the track is silent or muted."""
        return self._level.value(self._clock())

    def quality_of(self, *, rid: str, index: int) -> int:
        """Rank of a simulcast id: q, h, f by name, others by their place in the description."""
        if rid in _RID_QUALITIES:
            return _RID_QUALITIES[rid]
        return min(self.spec.rids.index(rid) if rid in self.spec.rids else index, 2)

    def add_layer(self, *, ssrc: int, rid: str = "", index: int = 0) -> tuple[Layer, Layer | None]:
        """Make the layer of a newly seen SSRC; returns it and the layer that it replaces."""
        quality = self.quality_of(rid=rid, index=index)
        layer = Layer(ssrc=ssrc, quality=quality, rid=rid, codecs=self.codecs, repairs=self._repairs)
        replaced = self._layers.get(quality)
        self._layers[quality] = layer
        return layer, replaced

    def on_packet(self, layer: Layer, packet: RtpPacket, *, repaired: bool, now: float) -> None:
        """Take one packet of a layer and forward it."""
        first = not layer.last_packet_at
        if not layer.accept(packet, repaired=repaired, now=now) or self._muted:
            return
        if self.last_packet_at is None and self._on_media is not None:
            self._on_media()
        self.last_packet_at = now
        if self._level_id is not None:
            level = packet.extensions.get(self._level_id)
            if level:
                self._level.observe(level[0], now)
        if first:
            for down in self._downs:
                down.choose(now)
        for down in self._downs:
            down.forward(layer, packet, now)

    def on_sender_report(self, layer: Layer, now: float) -> None:
        """Pass a fresh clock pair on to those who watch the layer."""
        for down in self._downs:
            down.on_sender_report(layer, now)

    def attach(self, down: DownTrack) -> None:
        """Begin to forward into a down track."""
        if down not in self._downs:
            self._downs = (*self._downs, down)

    def detach(self, down: DownTrack) -> None:
        """Stop forwarding into a down track."""
        self._downs = tuple(other for other in self._downs if other is not down)

    def close(self) -> None:
        """Let go of everything that watches it."""
        self._downs = ()
        self._layers.clear()
        self._muted = True
        self._level.silence()

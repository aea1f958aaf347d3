"""Everything that one client sends as RTP: which packet belongs to which track, and feedback to the client.

An SSRC is known from signalling, or learnt from its first packet by the MID and RID header extensions
(RFC 8843 section 9.2, RFC 8852), or by a payload type that only one track has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from callclock_server.sfu.media.congestion import ArrivalLog
from callclock_server.sfu.media.layer import Layer
from callclock_server.sfu.media.repair import MissingPackets
from callclock_server.sfu.media.rtcp import (
    SenderReport,
    pack_nack,
    pack_pli,
    pack_receiver_reports,
    pack_transport_feedback,
)
from callclock_server.sfu.media.rtp import RtpPacket, parse_rtp, unwrap_rtx
from callclock_server.sfu.media.specs import (
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_CC_URI,
    ReceiveSpec,
)
from callclock_server.sfu.media.uptrack import UpTrack

RECEIVER_REPORT_SECONDS = 1.0
_OWN_SSRC = 1
_MAX_IDENTITIES = 64
_MAX_SSRCS = 256


class _Identity(NamedTuple):
    """What an SSRC once said of itself; clients stop repeating it after the first receiver report."""

    mid: bytes
    rid: bytes
    repaired_rid: bytes


class _Stream(NamedTuple):
    track: UpTrack
    layer: Layer
    is_repair: bool


class Incoming:
    """The receiving half of a peer. Pure: decrypted packets and time come in, RTCP goes out."""

    def __init__(
        self,
        *,
        send_rtcp: Callable[[bytes], None],
        forget_ssrc: Callable[[int], None],
        clock: Callable[[], float],
    ) -> None:
        self.nacks = self.plis = self.repairs = 0
        self._send_rtcp = send_rtcp
        self._forget_ssrc = forget_ssrc
        self._clock = clock
        self._tracks: dict[str, UpTrack] = {}
        self._streams: dict[int, _Stream] = {}
        self._ssrcs: dict[int, None] = {}
        self._identities: dict[int, _Identity] = {}
        self._signalled: dict[int, tuple[UpTrack, int]] = {}
        self._signalled_repairs: dict[int, int] = {}
        self._repairing: list[tuple[UpTrack, Layer, MissingPackets]] = []
        self._arrivals = ArrivalLog()
        self._reported_at = 0.0
        self._last_ssrc = 0
        self._mid_id = self._rid_id = self._repaired_rid_id = self._sequence_id = 0

    @property
    def lost(self) -> int:
        """Packets that never came, over all layers."""
        return sum(max(layer.lost, 0) for track in self._tracks.values() for layer in track.layers)

    def add(self, spec: ReceiveSpec, *, on_media: Callable[[], None] | None) -> UpTrack:
        """Begin to receive an m-section; one with the same mid is replaced."""
        if spec.mid in self._tracks:
            self.remove(self._tracks[spec.mid])
        track = UpTrack(spec, ask_keyframe=self._ask_keyframe, clock=self._clock, on_media=on_media)
        self._tracks[spec.mid] = track
        for index, ssrc in enumerate(spec.ssrcs):
            self._signalled[ssrc] = (track, index)
        for primary, repair in spec.rtx_ssrcs.items():
            self._signalled_repairs[repair] = primary
        ids = spec.extensions
        self._mid_id = ids.get(MID_URI, self._mid_id)
        self._rid_id = ids.get(RID_URI, self._rid_id)
        self._repaired_rid_id = ids.get(REPAIRED_RID_URI, self._repaired_rid_id)
        self._sequence_id = ids.get(TRANSPORT_CC_URI, self._sequence_id)
        return track

    def remove(self, track: UpTrack) -> None:
        """Stop receiving an m-section."""
        if self._tracks.get(track.spec.mid) is track:
            del self._tracks[track.spec.mid]
        for ssrc in [ssrc for ssrc, stream in self._streams.items() if stream.track is track]:
            self._drop_stream(ssrc)
        for ssrc in track.spec.ssrcs:
            self._signalled.pop(ssrc, None)
        for ssrc in track.spec.rtx_ssrcs.values():
            self._signalled_repairs.pop(ssrc, None)
        track.close()

    def close(self) -> None:
        """Stop receiving everything."""
        for track in list(self._tracks.values()):
            self.remove(track)

    def on_rtp(self, data: bytes, now: float) -> None:
        """Take one decrypted packet. Raises ValueError for a malformed one."""
        packet = parse_rtp(data)
        if self._sequence_id:
            number = packet.extensions.get(self._sequence_id)
            if number is not None and len(number) == 2:
                self._arrivals.note(number[0] << 8 | number[1], now)
        stream = self._streams.get(packet.ssrc) or self._learn(packet)
        if stream is None:
            return
        track, layer, is_repair = stream
        if is_repair:
            payload_type = track.rtx_payload_types.get(packet.payload_type)
            if payload_type is None:
                return
            original = unwrap_rtx(packet, payload_type=payload_type, ssrc=layer.ssrc)
            if original is None or not layer.last_packet_at:
                return
            self.repairs += 1
            packet = original
        self._last_ssrc = layer.ssrc
        track.on_packet(layer, packet, repaired=is_repair, now=now)

    def _learn(self, packet: RtpPacket) -> _Stream | None:
        self._bound_ssrcs(packet.ssrc)
        if packet.ssrc in self._signalled:
            track, index = self._signalled[packet.ssrc]
            return self._add_layer(track, packet.ssrc, index=index)
        if packet.ssrc in self._signalled_repairs:
            return self._add_repair(packet.ssrc, self._streams.get(self._signalled_repairs[packet.ssrc]))
        identity = self._identify(packet)
        found = self._track_of(packet, identity.mid)
        if found is None:
            return None
        if found.spec.rids:
            return self._learn_by_rid(found, packet.ssrc, identity)
        if packet.payload_type in found.rtx_payload_types:
            layers = found.layers
            known = _Stream(found, layers[0], False) if len(layers) == 1 else None
            return self._add_repair(packet.ssrc, known)
        if packet.payload_type in found.codecs and len(found.spec.ssrcs) < 2:
            return self._add_layer(found, packet.ssrc)
        return None

    def _bound_ssrcs(self, ssrc: int) -> None:
        # An SSRC that is not received now may be later, so that its decryption state (the roll-over count)
        # is kept; only a client that makes up ever new ones loses the oldest.
        if ssrc in self._ssrcs:
            return
        self._ssrcs[ssrc] = None
        if len(self._ssrcs) > _MAX_SSRCS:
            oldest = next(s for s in self._ssrcs if s not in self._streams)
            del self._ssrcs[oldest]
            self._forget_ssrc(oldest)

    def _identify(self, packet: RtpPacket) -> _Identity:
        get = packet.extensions.get
        said = _Identity(get(self._mid_id, b""), get(self._rid_id, b""), get(self._repaired_rid_id, b""))
        if not said.mid:
            return self._identities.get(packet.ssrc, said)
        self._identities[packet.ssrc] = said
        if len(self._identities) > _MAX_IDENTITIES:
            del self._identities[next(iter(self._identities))]
        return said

    def _learn_by_rid(self, track: UpTrack, ssrc: int, identity: _Identity) -> _Stream | None:
        if identity.repaired_rid:
            layer = next((x for x in track.layers if x.rid.encode() == identity.repaired_rid), None)
            return self._add_repair(ssrc, _Stream(track, layer, False) if layer else None)
        rid = identity.rid.decode("ascii", "replace")
        if rid not in track.spec.rids:
            return None
        return self._add_layer(track, ssrc, rid=rid)

    def _track_of(self, packet: RtpPacket, mid: bytes) -> UpTrack | None:
        if mid:
            return self._tracks.get(mid.decode("ascii", "replace"))
        fitting = [
            track
            for track in self._tracks.values()
            if packet.payload_type in track.codecs or packet.payload_type in track.rtx_payload_types
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _add_layer(self, track: UpTrack, ssrc: int, *, rid: str = "", index: int = 0) -> _Stream:
        layer, replaced = track.add_layer(ssrc=ssrc, rid=rid, index=index)
        if replaced is not None:
            for other in [s for s, stream in self._streams.items() if stream.layer is replaced]:
                self._drop_stream(other)
        stream = _Stream(track, layer, False)
        self._streams[ssrc] = stream
        self._list_repairing()
        return stream

    def _add_repair(self, ssrc: int, primary: _Stream | None) -> _Stream | None:
        if primary is None:
            return None
        stream = _Stream(primary.track, primary.layer, True)
        for other in [s for s, old in self._streams.items() if old == stream]:
            self._drop_stream(other)
        self._streams[ssrc] = stream
        return stream

    def _list_repairing(self) -> None:
        self._repairing = [
            (track, layer, layer.missing)
            for track, layer, is_repair in self._streams.values()
            if layer.missing is not None and not is_repair
        ]

    def _drop_stream(self, ssrc: int) -> None:
        del self._streams[ssrc]
        self._list_repairing()

    def on_sender_report(self, report: SenderReport, now: float) -> None:
        """Take a sender report and let it travel on."""
        stream = self._streams.get(report.ssrc)
        if stream is not None and not stream.is_repair:
            stream.layer.note_report(report, now)
            stream.track.on_sender_report(stream.layer, now)

    def flush(self, now: float) -> None:
        """Send what is due after a batch of packets: NACKs and arrival feedback."""
        for track, layer, missing in self._repairing:
            if missing.is_waiting:
                self._ask_missing(track, layer, missing, now)
        if self._arrivals.is_due(now):
            body = self._arrivals.take(now)
            self._send_rtcp(pack_transport_feedback(_OWN_SSRC, self._last_ssrc, body))

    def _ask_missing(self, track: UpTrack, layer: Layer, missing: MissingPackets, now: float) -> None:
        if missing.overflowed:
            missing.overflowed = False
            track.request_layer_keyframe(layer)
        sequences = [number & 0xFFFF for number in missing.due(now)]
        if sequences:
            self.nacks += 1
            self._send_rtcp(pack_nack(_OWN_SSRC, layer.ssrc, sequences))

    def on_timer(self, now: float) -> None:
        """Send what is due by time; every 50 ms or so."""
        self.flush(now)
        if now - self._reported_at < RECEIVER_REPORT_SECONDS:
            return
        self._reported_at = now
        layers = [layer for track in self._tracks.values() for layer in track.layers]
        blocks = [block for block in (layer.report_block(now) for layer in layers) if block]
        if blocks:
            self._send_rtcp(pack_receiver_reports(_OWN_SSRC, blocks))

    def _ask_keyframe(self, layer: Layer) -> None:
        self.plis += 1
        self._send_rtcp(pack_pli(_OWN_SSRC, layer.ssrc))

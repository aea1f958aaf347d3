"""A track that the server sends to a client."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from callclock_server.sfu.media.codecs import match_codec, parse_vp8_ids, shift_vp8_ids
from callclock_server.sfu.media.layer import Layer
from callclock_server.sfu.media.quality import HIGHEST_QUALITY, CongestionGate, choose_layer
from callclock_server.sfu.media.repair import ResendBudget
from callclock_server.sfu.media.rtcp import (
    ReportBlock,
    SenderReport,
    ntp_difference,
    ntp_middle,
    pack_sender_report,
)
from callclock_server.sfu.media.rtp import (
    HEADER,
    RtpPacket,
    SequenceUnwrapper,
    pack_extensions,
    timestamp_difference,
)
from callclock_server.sfu.media.specs import (
    DEPENDENCY_DESCRIPTOR_URI,
    MID_URI,
    SEND_EXTENSIONS,
    SendSpec,
)
from callclock_server.sfu.media.uptrack import UpTrack

_MAX_SEGMENTS = 8
_REPORT_SECONDS = 3.0
_MIN_REPEAT_SECONDS = 0.02
_MAX_REPEATS_TRACKED = 256


@dataclass(slots=True)
class Segment:
    """A stretch of the outgoing stream that comes from one layer without interruption.

    Outgoing = incoming + offset; a packet numbered before `start` belongs to an earlier stretch.
    """

    layer: Layer
    generation: int
    start: int
    first_out: int
    sequence_by: int
    timestamp_by: int
    picture_by: int
    tl0_by: int


class DownTrack:
    """An UpTrack forwarded into one m-section of another peer.

    Made by `Peer.send`. The stream that the client sees never jumps: over switches and pauses sequence
    numbers, timestamps and VP8 ids go on where they stopped, and it begins with a key frame.
    """

    def __init__(
        self,
        up: UpTrack,
        spec: SendSpec,
        *,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
        clock: Callable[[], float],
    ) -> None:
        self.up = up
        self.spec = spec
        self.packets = 0
        self.octets = 0
        self.repeats = 0
        self.loss = 0.0
        self.round_trip_seconds: float | None = None
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._clock = clock
        self._paused = False
        self._closed = False
        self._max_quality = HIGHEST_QUALITY
        self._gate = CongestionGate()
        self._budget = ResendBudget()
        self._repeated_at: dict[int, float] = {}
        self._target: Layer | None = None
        self._segment: Segment | None = None
        self._segments: deque[Segment] = deque(maxlen=_MAX_SEGMENTS)
        self._last_out = 0xFFFF + (spec.ssrc & 0x3FFF)
        self._last_timestamp = 0
        self._last_at = 0.0
        self._last_packet: RtpPacket | None = None
        self._rtx_sequence = spec.ssrc >> 16 & 0x3FFF
        self._reported_at = 0.0
        self._reports: deque[tuple[int, float]] = deque(maxlen=8)
        self._map_payload_types()
        self._map_extensions()
        up.attach(self)
        self.choose(clock())

    def _map_payload_types(self) -> None:
        self._payload_types: dict[int, int] = {}
        self._rtx_payload_types: dict[int, int] = {}
        self._vp8_types = {pt for pt, codec in self.up.codecs.items() if codec.name.lower() == "vp8"}
        self._clock_rate = self.spec.codecs[0].clock_rate if self.spec.codecs else 90000
        for payload_type, codec in self.up.codecs.items():
            match = match_codec(codec, self.spec.codecs)
            if match is not None:
                self._payload_types[payload_type] = match.payload_type
                if match.rtx_payload_type is not None and self.spec.rtx_ssrc is not None:
                    self._rtx_payload_types[payload_type] = match.rtx_payload_type

    def _map_extensions(self) -> None:
        mid = self.spec.extensions.get(MID_URI)
        self._own_extensions = [(mid, self.spec.mid.encode())] if mid else []
        self._plain_extensions = pack_extensions(self._own_extensions)
        passed = [uri for uri in SEND_EXTENSIONS[self.spec.kind] if uri != MID_URI]
        if self.up.is_simulcast:
            # Frame numbers in it would jump at a switch.
            passed = [uri for uri in passed if uri != DEPENDENCY_DESCRIPTOR_URI]
        source, sink = self.up.spec.extensions, self.spec.extensions
        self._passed = [(source[uri], sink[uri]) for uri in passed if uri in source and uri in sink]

    @property
    def paused(self) -> bool:
        """Whether forwarding is paused."""
        return self._paused

    @property
    def wanted_layer(self) -> Layer | None:
        """The layer that it shows or waits for."""
        return self._target

    @property
    def current_quality(self) -> int | None:
        """Quality of the layer that is being forwarded, None while it waits for a key frame."""
        return self._segment.layer.quality if self._segment else None

    def pause(self) -> None:
        """Stop forwarding; the m-section stays as it is."""
        self._paused = True
        self.interrupt()
        self.up.detach(self)

    def resume(self) -> None:
        """Go on forwarding, from the next key frame (which it asks for)."""
        if self._paused and not self._closed:
            self._paused = False
            self.up.attach(self)
            self.choose(self._clock())
            self.request_keyframe()

    def set_max_quality(self, quality: int) -> None:
        """Forward at most this simulcast layer: 0 low, 1 medium, 2 high."""
        self._max_quality = max(0, min(quality, HIGHEST_QUALITY))
        self.choose(self._clock())

    def request_keyframe(self) -> None:
        """Ask for a key frame of the layer that is shown or waited for."""
        if self._target is not None:
            self.up.request_layer_keyframe(self._target)

    def interrupt(self) -> None:
        """End the current stretch; the next one begins with a key frame."""
        self._segment = None

    def close(self) -> None:
        """Stop for good."""
        self._closed = self._paused = True
        self.interrupt()
        self.up.detach(self)

    def choose(self, now: float) -> None:
        """Decide anew which layer to show; a change takes effect on that layer's next key frame."""
        if self._paused:
            return
        limit = min(self._max_quality, self._gate.limit)
        self._target = choose_layer(self.up.layers, max_quality=limit)
        if self._is_waiting:
            self.request_keyframe()

    @property
    def _is_waiting(self) -> bool:
        return self._segment is None or self._segment.layer is not self._target

    def on_timer(self, now: float) -> None:
        """Choose again and keep asking for the key frame that it waits for; every 0.5 s or so."""
        self.choose(now)
        segment = self._segment
        if segment is not None and now - self._reported_at >= _REPORT_SECONDS:
            self.on_sender_report(segment.layer, now)

    def forward(self, layer: Layer, packet: RtpPacket, now: float) -> None:
        """Send one packet on, if it is of the layer shown or begins the layer waited for."""
        segment = self._segment
        if segment is None or segment.layer is not layer or segment.generation != layer.generation:
            if layer is not self._target or not packet.starts_keyframe:
                return
            if packet.payload_type not in self._payload_types:
                return
            segment = self._begin_segment(layer, packet, now)
        if packet.number < segment.start:
            return
        out = packet.number + segment.sequence_by
        data = self._rebuild(packet, segment, out)
        if data is None:
            return
        if out > self._last_out:
            self._last_out = out
            self._last_timestamp = packet.timestamp + segment.timestamp_by & 0xFFFFFFFF
            self._last_at = now
            self._last_packet = packet
        self.packets += 1
        self.octets += len(packet.payload)
        self._send_rtp(data)

    def _begin_segment(self, layer: Layer, packet: RtpPacket, now: float) -> Segment:
        first = not self._segments
        picture_by, tl0_by = (0, 0) if first else self._picture_shift(packet)
        segment = Segment(
            layer=layer,
            generation=layer.generation,
            start=packet.number,
            first_out=self._last_out + 1,
            sequence_by=self._last_out + 1 - packet.number,
            timestamp_by=0 if first else self._timestamp_shift(layer, packet, now),
            picture_by=picture_by,
            tl0_by=tl0_by,
        )
        self._segment = segment
        self._segments.append(segment)
        self.on_sender_report(layer, now)
        return segment

    def _timestamp_shift(self, layer: Layer, packet: RtpPacket, now: float) -> int:
        """Offset that lets the new stretch go on in time; layers of one track have unlike clocks."""
        before = self._segments[-1]
        elapsed = round((now - self._last_at) * self._clock_rate)
        expected = self._last_timestamp + max(elapsed, 1) - packet.timestamp
        if before.layer is layer and before.generation == layer.generation:
            aligned = before.timestamp_by
        elif before.layer.clock_pair is not None and layer.clock_pair is not None:
            old, new = before.layer.clock_pair.report, layer.clock_pair.report
            apart = round(ntp_difference(new.ntp, old.ntp) * self._clock_rate)
            aligned = before.timestamp_by + old.timestamp + apart - new.timestamp
        else:
            aligned = expected
        if abs(timestamp_difference(aligned, expected)) > self._clock_rate:
            aligned = expected
        if timestamp_difference(packet.timestamp + aligned, self._last_timestamp) <= 0:
            aligned = self._last_timestamp + 1 - packet.timestamp
        return aligned

    def _picture_shift(self, packet: RtpPacket) -> tuple[int, int]:
        """Offsets of VP8 picture id and TL0PICIDX that let the new stretch follow the last picture sent."""
        before, last = self._segments[-1], self._last_packet
        if last is None or not {packet.payload_type, last.payload_type} <= self._vp8_types:
            return 0, 0
        shown, coming = parse_vp8_ids(last.payload), parse_vp8_ids(packet.payload)
        if shown is None or coming is None:
            return 0, 0
        return (
            shown.picture + before.picture_by + 1 - coming.picture,
            (shown.tl0 or 0) + before.tl0_by + 1 - (coming.tl0 or 0),
        )

    def _rebuild(
        self, packet: RtpPacket, segment: Segment, out: int, *, repair: bool = False
    ) -> bytes | None:
        types = self._rtx_payload_types if repair else self._payload_types
        payload_type = types.get(packet.payload_type)
        if payload_type is None:
            return None
        payload = packet.payload
        if (segment.picture_by or segment.tl0_by) and packet.payload_type in self._vp8_types:
            payload = shift_vp8_ids(payload, picture_by=segment.picture_by, tl0_by=segment.tl0_by)
        sequence, ssrc = out & 0xFFFF, self.spec.ssrc
        if repair:
            payload = sequence.to_bytes(2, "big") + payload
            self._rtx_sequence += 1
            sequence, ssrc = self._rtx_sequence & 0xFFFF, self.spec.rtx_ssrc or 0
        extensions = self._extensions_of(packet)
        head = HEADER.pack(
            0x90 if extensions else 0x80,
            packet.marker | payload_type,
            sequence,
            packet.timestamp + segment.timestamp_by & 0xFFFFFFFF,
            ssrc,
        )
        return head + extensions + payload

    def _extensions_of(self, packet: RtpPacket) -> bytes:
        found = packet.extensions
        if found and self._passed:
            elements = [(new, found[old]) for old, new in self._passed if old in found]
            if elements:
                return pack_extensions(self._own_extensions + elements)
        return self._plain_extensions

    def on_nack(self, sequences: tuple[int, ...], now: float) -> int:
        """Repeat packets that the client misses, as RTX if negotiated; returns how many."""
        if self._paused:
            return 0
        unwrapper = SequenceUnwrapper()
        # The unwrapper starts one cycle up; anchored at our own last number it finds the nearest.
        cycle = self._last_out - unwrapper.unwrap(self._last_out & 0xFFFF)
        sent = 0
        for sequence in sequences:
            out = cycle + unwrapper.unwrap(sequence)
            if now - self._repeated_at.get(out, 0.0) < _MIN_REPEAT_SECONDS:
                continue
            if not self._budget.take(now):
                break
            sent += self._repeat(out, now)
        return sent

    def _repeat(self, out: int, now: float) -> bool:
        segment = next((s for s in reversed(self._segments) if s.first_out <= out), None)
        if segment is None or out > self._last_out or segment.generation != segment.layer.generation:
            return False
        packet = segment.layer.cache.get(out - segment.sequence_by)
        if packet is None:
            return False
        data = self._rebuild(packet, segment, out, repair=packet.payload_type in self._rtx_payload_types)
        if data is None:
            return False
        self._repeated_at[out] = now
        if len(self._repeated_at) > _MAX_REPEATS_TRACKED:
            del self._repeated_at[next(iter(self._repeated_at))]
        self.repeats += 1
        self._send_rtp(data)
        return True

    def on_sender_report(self, layer: Layer, now: float) -> None:
        """Tell the client how our timestamps relate to the sender's clock, for lip sync (RFC 3550, 6.4.1)."""
        segment, pair = self._segment, layer.clock_pair
        if segment is None or segment.layer is not layer or pair is None:
            return
        since = now - pair.arrived_at
        ntp = pair.report.ntp + int(since * 0x100000000) & 0xFFFFFFFFFFFFFFFF
        report = SenderReport(
            ssrc=self.spec.ssrc,
            ntp=ntp,
            timestamp=pair.report.timestamp + round(since * self._clock_rate) + segment.timestamp_by,
            packets=self.packets,
            octets=self.octets,
        )
        self._reported_at = now
        self._reports.append((ntp_middle(ntp), now))
        self._send_rtcp(pack_sender_report(report, cname=self.spec.cname))

    def on_report(self, block: ReportBlock, now: float) -> None:
        """Take the client's view of the stream: loss and round trip."""
        self.loss = block.fraction_lost / 256
        round_trip = None
        for middle, sent_at in self._reports:
            if middle == block.last_report:
                round_trip = max(0.0, now - sent_at - block.delay_since_report / 65536)
                self.round_trip_seconds = round_trip
        quality = self.current_quality
        if quality is None or not self.up.is_simulcast:
            return
        if self._gate.report(self.loss, round_trip=round_trip, current=quality, now=now):
            self.choose(now)

"""One incoming RTP stream (SSRC): a whole track, or one simulcast layer of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from callclock_server.sfu.media.codecs import keyframe_test
from callclock_server.sfu.media.repair import MissingPackets, PacketCache
from callclock_server.sfu.media.rtcp import ReportBlock, SenderReport, ntp_middle
from callclock_server.sfu.media.rtp import RtpPacket, SequenceUnwrapper
from callclock_server.sfu.media.specs import Codec

KEYFRAME_THROTTLE_SECONDS = 0.3
_JUMP = 3000
_MAX_SKIPS = 64


class ClockPair(NamedTuple):
    """The sender's latest report and when it came."""

    report: SenderReport
    arrived_at: float


class Layer:
    """Receiving state of one SSRC: numbering, reception statistics, repair and cache."""

    def __init__(
        self, *, ssrc: int, quality: int, rid: str, codecs: Mapping[int, Codec], repairs: bool
    ) -> None:
        self.ssrc = ssrc
        self.quality = quality
        self.rid = rid
        self.cache = PacketCache()
        self.missing: MissingPackets | None = MissingPackets() if repairs else None
        self.last_packet_at = 0.0
        self.clock_pair: ClockPair | None = None
        self.generation = 0
        self.lost = 0
        self._keyframe_asked_at = float("-inf")
        self._tests: dict[int, tuple[Callable[[bytes], bool], int]] = {
            pt: (keyframe_test(codec), codec.clock_rate) for pt, codec in codecs.items()
        }
        self._start_over()

    def _start_over(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._highest = -1
        self._base = 0
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._skips: list[tuple[int, int]] = []
        self._skipped = 0

    def accept(self, packet: RtpPacket, *, repaired: bool, now: float) -> bool:
        """Number one packet; False if it is not to be forwarded (duplicate or mere padding)."""
        test = self._tests.get(packet.payload_type)
        if test is None:
            return False
        extended = self._unwrapper.unwrap(packet.sequence)
        if self._highest >= 0 and abs(extended - self._highest) > _JUMP:
            extended = self._jump(packet)
        self.last_packet_at = now
        step = extended - self._highest
        if step > 0:
            self._advance(extended, step)
        elif self.missing is not None:
            self.missing.arrived(extended, now)
        if not repaired:
            self._received += 1
            self._measure_jitter(packet.timestamp, test[1], now)
        if not packet.payload and step > 0:
            self._skip(extended)
            return False
        packet.number = extended - (self._skipped if step > 0 else self._skipped_before(extended))
        packet.starts_keyframe = test[0](packet.payload)
        return self.cache.add(packet)

    def _jump(self, packet: RtpPacket) -> int:
        # The sender began anew under the same SSRC; receivers must be led over the seam.
        self.generation += 1
        self._start_over()
        self.cache = PacketCache()
        if self.missing is not None:
            self.missing.clear()
        return self._unwrapper.unwrap(packet.sequence)

    def _advance(self, extended: int, step: int) -> None:
        if self._highest < 0:
            self._base = extended
        elif step > 1 and self.missing is not None:
            self.missing.add_gap(self._highest + 1, extended - 1)
        self._highest = extended

    def _skip(self, extended: int) -> None:
        self._skipped += 1
        self._skips.append((extended, self._skipped))
        if len(self._skips) > _MAX_SKIPS:
            del self._skips[0]

    def _skipped_before(self, extended: int) -> int:
        for at, skipped in reversed(self._skips):
            if at < extended:
                return skipped
        return self._skips[0][1] - 1 if self._skips else self._skipped

    def _measure_jitter(self, timestamp: int, clock_rate: int, now: float) -> None:
        transit = now * clock_rate - timestamp
        if self._transit is not None:
            deviation = abs(transit - self._transit)
            if deviation < clock_rate * 10:  # a wrapped timestamp is not jitter
                self._jitter += (deviation - self._jitter) / 16
        self._transit = transit

    def may_ask_keyframe(self, now: float) -> bool:
        """Whether a key frame may be asked for now; a yes counts as asking."""
        if now - self._keyframe_asked_at < KEYFRAME_THROTTLE_SECONDS:
            return False
        self._keyframe_asked_at = now
        return True

    def note_report(self, report: SenderReport, now: float) -> None:
        """Remember the sender's clock."""
        self.clock_pair = ClockPair(report, now)

    def report_block(self, now: float) -> ReportBlock | None:
        """Summarise reception since the last call (RFC 3550 section 6.4.1); None before any packet."""
        if self._highest < 0:
            return None
        expected = self._highest - self._base + 1
        self.lost = expected - self._received
        fresh = expected - self._expected_before
        lost = fresh - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
        last = delay = 0
        if self.clock_pair is not None:
            last = ntp_middle(self.clock_pair.report.ntp)
            delay = int((now - self.clock_pair.arrived_at) * 65536)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // fresh) if fresh > 0 and lost > 0 else 0,
            lost=self.lost,
            highest_sequence=self._highest - 0x10000,
            jitter=int(self._jitter),
            last_report=last,
            delay_since_report=delay,
        )

"""Everything that one client receives as RTP: its down tracks and the feedback that it sends about them."""

from __future__ import annotations

from collections.abc import Callable

from callclock_server.sfu.media.downtrack import DownTrack
from callclock_server.sfu.media.rtcp import KeyframeRequest, Nack, ReportBlock
from callclock_server.sfu.media.specs import SendSpec
from callclock_server.sfu.media.uptrack import UpTrack

_CHOOSE_SECONDS = 0.4


class Outgoing:
    """The sending half of a peer. Pure: forwarded packets leave by `send_rtp`, not yet encrypted."""

    def __init__(
        self,
        *,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
        forget_ssrc: Callable[[int], None],
        clock: Callable[[], float],
    ) -> None:
        self.nacks = self.plis = self.repairs = 0
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._forget_ssrc = forget_ssrc
        self._clock = clock
        self._downs: dict[int, DownTrack] = {}
        self._chosen_at = 0.0

    @property
    def loss(self) -> float:
        """The worst loss that the client reported last, 0..1."""
        return max((down.loss for down in self._downs.values()), default=0.0)

    @property
    def round_trip_seconds(self) -> float | None:
        """The round trip as of the client's last reports, None before the first."""
        known = [d.round_trip_seconds for d in self._downs.values() if d.round_trip_seconds is not None]
        return min(known, default=None)

    def add(self, up: UpTrack, spec: SendSpec) -> DownTrack:
        """Begin to forward a track. Raises ValueError if the SSRC is in use or zero."""
        taken = {s for d in self._downs.values() for s in (d.spec.ssrc, d.spec.rtx_ssrc)}
        if not spec.ssrc or spec.ssrc in taken or (spec.rtx_ssrc in taken and spec.rtx_ssrc is not None):
            raise ValueError(f"SSRC {spec.ssrc} cannot be used twice in one peer")
        down = DownTrack(up, spec, send_rtp=self._send_rtp, send_rtcp=self._send_rtcp, clock=self._clock)
        self._downs[spec.ssrc] = down
        return down

    def remove(self, down: DownTrack) -> None:
        """Stop forwarding a track."""
        down.close()
        if self._downs.get(down.spec.ssrc) is down:
            del self._downs[down.spec.ssrc]
            self._forget_ssrc(down.spec.ssrc)
            if down.spec.rtx_ssrc is not None:
                self._forget_ssrc(down.spec.rtx_ssrc)

    def close(self) -> None:
        """Stop forwarding everything."""
        for down in list(self._downs.values()):
            self.remove(down)

    def start_over(self, now: float) -> None:
        """Begin every track with a key frame, as when the client has just (re)connected."""
        for down in self._downs.values():
            down.interrupt()
            down.choose(now)

    def on_nack(self, nack: Nack, now: float) -> None:
        """Repeat what the client misses."""
        down = self._downs.get(nack.ssrc)
        if down is not None:
            self.nacks += 1
            self.repairs += down.on_nack(nack.sequences, now)

    def on_keyframe_request(self, request: KeyframeRequest) -> None:
        """Pass a request for a key frame on to the sender."""
        down = self._downs.get(request.ssrc)
        if down is not None:
            self.plis += 1
            down.request_keyframe()

    def on_report(self, block: ReportBlock, now: float) -> None:
        """Take the client's reception report."""
        down = self._downs.get(block.ssrc)
        if down is not None:
            down.on_report(block, now)

    def on_timer(self, now: float) -> None:
        """Look for stalled layers and overdue key frames; every 50 ms or so."""
        if now - self._chosen_at >= _CHOOSE_SECONDS:
            self._chosen_at = now
            for down in self._downs.values():
                down.on_timer(now)

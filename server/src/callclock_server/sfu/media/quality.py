"""Which simulcast layer a viewer gets: wish, what is alive, and what the viewer's network bears. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from callclock_server.sfu.media.layer import Layer

HIGHEST_QUALITY = 2
STALL_SECONDS = 0.6
"""A layer this far behind the freshest one counts as stopped by its sender."""

_LOSS_HIGH = 0.10
_LOSS_LOW = 0.03
_QUEUE_SECONDS = 0.25
_BAD_REPORTS = 3
_FIRST_HOLD_SECONDS = 8.0
_MAX_HOLD_SECONDS = 60.0


def choose_layer(layers: Iterable[Layer], *, max_quality: int) -> Layer | None:
    """Pick the best layer that is alive and not above the limit, else the lowest that is alive."""
    known = list(layers)
    if not known:
        return None
    newest = max(layer.last_packet_at for layer in known)
    alive = sorted(
        (layer for layer in known if newest - layer.last_packet_at <= STALL_SECONDS),
        key=lambda layer: layer.quality,
    )
    allowed = [layer for layer in alive if layer.quality <= max_quality]
    return allowed[-1] if allowed else alive[0]


class CongestionGate:
    """Lowers the quality limit of a viewer whose network is overrun, and raises it with growing patience.

    Overrun is loss of 10 % or a queue of 0.25 s (the round trip above its usual length). Three such
    reports in a row lose a step; after a hold of 8 s (doubled by each failed attempt, at most 60 s) with
    loss below 3 % and no queue a step is tried again.
    """

    def __init__(self) -> None:
        self.limit = HIGHEST_QUALITY
        self._bad_reports = 0
        self._changed_at = 0.0
        self._hold_seconds = _FIRST_HOLD_SECONDS
        self._raised = False
        self._usual_round_trip: float | None = None

    def report(self, loss: float, *, round_trip: float | None, current: int, now: float) -> bool:
        """Take one report about the layer `current`; True if the limit changed.

        `loss` is the share of packets lost since the report before, `round_trip` is in seconds.
        """
        queue = self._queue_seconds(round_trip)
        if loss >= _LOSS_HIGH or queue >= _QUEUE_SECONDS:
            self._bad_reports += 1
            return self._bad_reports >= _BAD_REPORTS and self._lower(current, now)
        self._bad_reports = 0
        rested = now - self._changed_at >= self._hold_seconds
        if loss > _LOSS_LOW or queue > _QUEUE_SECONDS / 2 or self.limit >= HIGHEST_QUALITY or not rested:
            return False
        self.limit += 1
        self._changed_at = now
        self._raised = True
        return True

    def _queue_seconds(self, round_trip: float | None) -> float:
        if round_trip is None:
            return 0.0
        usual = self._usual_round_trip
        if usual is None or round_trip < usual:
            usual = round_trip
        # It drifts up slowly, so that a move to a longer path is not taken for a queue for ever.
        self._usual_round_trip = usual + 0.01 * (round_trip - usual)
        return round_trip - usual

    def _lower(self, current: int, now: float) -> bool:
        self._bad_reports = 0
        if current <= 0:
            return False
        if self._raised and now - self._changed_at < self._hold_seconds:
            self._hold_seconds = min(2 * self._hold_seconds, _MAX_HOLD_SECONDS)
        self._raised = False
        self._changed_at = now
        self.limit = min(self.limit, current) - 1
        return True

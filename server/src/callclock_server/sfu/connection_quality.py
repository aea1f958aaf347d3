"""How well a participant is connected, from counters of its peers. Pure, fed with counters.

Graded like LiveKit's: excellent, good, poor. "Lost" is never told: clients answer it with a full
reconnect, and a client without media is dealt with by the room's patience.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livekit.protocol import models

from callclock_server.sfu.media import PeerStats

UPDATE_INTERVAL_SECONDS = 3.0

GOOD_LOSS, POOR_LOSS = 0.02, 0.08
"""Share of packets lost, in the worse direction, from which a connection is only good, or poor."""
GOOD_ROUND_TRIP_SECONDS, POOR_ROUND_TRIP_SECONDS = 0.25, 0.6

_SCORES = {
    models.ConnectionQuality.EXCELLENT: 5.0,
    models.ConnectionQuality.GOOD: 3.5,
    models.ConnectionQuality.POOR: 2.0,
}


def grade(*, loss: float, round_trip_seconds: float) -> models.ConnectionQuality:
    """Grade one connection."""
    if loss >= POOR_LOSS or round_trip_seconds >= POOR_ROUND_TRIP_SECONDS:
        return models.ConnectionQuality.POOR
    if loss >= GOOD_LOSS or round_trip_seconds >= GOOD_ROUND_TRIP_SECONDS:
        return models.ConnectionQuality.GOOD
    return models.ConnectionQuality.EXCELLENT


def score(quality: models.ConnectionQuality) -> float:
    """The number that goes with a grade, 0..5."""
    return _SCORES[quality]


@dataclass(slots=True)
class QualityMeter:
    """Grades one participant again and again; loss counts since the last grade."""

    _received: int = 0
    _lost: int = 0

    def read(self, stats: Sequence[PeerStats]) -> models.ConnectionQuality:
        """Grade from the present counters of all peers."""
        received, lost = sum(s.packets_in for s in stats), sum(s.lost_in for s in stats)
        new, missing = received - self._received, max(0, lost - self._lost)
        self._received, self._lost = received, lost
        lost_in = missing / (new + missing) if new + missing > 0 else 0.0
        round_trips = [s.round_trip_seconds for s in stats if s.round_trip_seconds is not None]
        return grade(
            loss=max([lost_in, *(s.loss_out for s in stats)]),
            round_trip_seconds=max(round_trips, default=0.0),
        )

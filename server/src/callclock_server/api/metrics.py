"""What Prometheus may ask. One registry for each application, so that several can live in one process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from callclock_server.bus import RedisBus
from callclock_server.domain.events import CALL_ENDED
from callclock_server.domain.session import MAX_DURATION_REACHED
from callclock_server.storage.database import EventRow
from callclock_server.timekeeping import FollowingClock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# The last fields of `call.ended`; reading the whole event for it would cost more than sending it.
_ENDED_BY_CLOCK = re.compile(rf'"reason":"{MAX_DURATION_REACHED}","ended_at":"([^"]+)"}}$')
_LATENESS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """The server's counters. Durations are seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.end_lateness = Histogram(
            "callclock_end_lateness_seconds",
            "From a session's deadline to the moment in which its end goes out to event streams.",
            buckets=_LATENESS_BUCKETS,
            registry=self.registry,
        )
        self.requests = Counter(
            "callclock_http_requests_total",
            "Requests.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "callclock_http_request_seconds",
            "Time to answer.",
            ["method", "route"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.armed_sessions = self._gauge("callclock_armed_sessions", "Running sessions with a deadline.")
        self.due_sessions = self._gauge(
            "callclock_due_sessions", "Sessions whose alarm has passed, unsettled."
        )
        self.oldest_overdue = self._gauge(
            "callclock_oldest_overdue_seconds", "How long the oldest unsettled alarm has been due."
        )
        self.outbox_rows = self._gauge("callclock_outbox_rows", "Media effects that are not confirmed yet.")
        self.streams_dropped = Counter(
            "callclock_event_streams_dropped_total",
            "Event streams that the server closed.",
            ["code"],
            registry=self.registry,
        )

    def count_sockets(self, count: Callable[[], int]) -> None:
        """Ask `count` for the open event streams at every scrape."""
        self._gauge("callclock_event_streams", "Open event streams.").set_function(count)

    def watch_clock(self, clock: FollowingClock) -> None:
        """Ask the clock how it follows the database's at every scrape."""
        self._gauge(
            "callclock_clock_ahead_seconds", "How far the database's clock is ahead of this machine's."
        ).set_function(lambda: clock.ahead_seconds)
        self._gauge(
            "callclock_clock_uncertainty_seconds", "How far this process may be from the database's clock."
        ).set_function(lambda: clock.uncertainty_seconds)

    def watch_bus(self, bus: RedisBus) -> None:
        """Ask the bus between nodes how it is at every scrape."""
        self._gauge("callclock_bus_whole", "Whether Redis carries hints to every node: 1 or 0.").set_function(
            lambda: float(bus.whole)
        )
        self._gauge("callclock_bus_connects", "Times that Redis was connected to.").set_function(
            lambda: float(bus.connects)
        )
        self._gauge(
            "callclock_bus_messages_dropped", "Hints that other nodes were not sent; they read the tables."
        ).set_function(lambda: float(bus.dropped))

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)

    def note_ends(self, events: Iterable[EventRow], *, now: datetime) -> None:
        """Observe the lateness of calls that have just been ended by their clock."""
        for row in events:
            if row.type == CALL_ENDED and (
                by_clock := _ENDED_BY_CLOCK.search(row.payload, len(row.payload) - 80)
            ):
                late = now - datetime.fromisoformat(by_clock[1])
                self.end_lateness.observe(max(0.0, late.total_seconds()))

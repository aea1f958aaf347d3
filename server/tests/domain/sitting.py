"""A session to be played: people come and go, time passes, and everything that happens is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from callclock_server.domain import attendance, clock, extending, pausing, presence, starting
from callclock_server.domain.decision import Decision
from callclock_server.domain.events import ClockChanged, Ended, SessionEvent, Warned
from callclock_server.domain.fair import Offer
from callclock_server.domain.policy import ExtensionPolicy, Policy
from callclock_server.domain.record import Record, make_record
from callclock_server.domain.session import Change, Participant, Session
from callclock_server.domain.settings import DEFAULTS

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CEILING = 86_400


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seconds_of(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START).total_seconds()


class Sitting:
    """Begins with nobody there. Every deed takes `at`, in seconds after `START`, and settles first."""

    def __init__(
        self,
        *,
        total: int | None = 3600,
        engine: Any = "none",
        scheduled_at: float | None = None,
        at: float = 0,
        extension: dict[str, Any] | None = None,
        warnings: tuple[int, ...] = (300, 60),
        by: str | None = "ann",
        **rules: Any,
    ) -> None:
        self.policy = Policy(extension=ExtensionPolicy(**(extension or {})), **rules)
        limits = {**DEFAULTS["limits"], "max_duration_seconds": total, "warning_seconds": list(warnings)}
        self.events: list[SessionEvent] = []
        self.stays: list[Participant] = []
        self.session, first = clock.start_session(
            id="s",
            cid="t:c",
            change_id="c0",
            limits=limits,
            engine=engine,
            by=by,
            now=after(at),
            rules=self.policy,
            scheduled_at=None if scheduled_at is None else after(scheduled_at),
        )
        self.ledger: list[Change] = [first]

    def take(self, decision: Decision) -> Decision:
        self.session = decision.session
        self.events += decision.events
        self.ledger += [event.change for event in decision.events if isinstance(event, ClockChanged)]
        self.stays += decision.closed
        return decision

    def settle(self, at: float) -> Sitting:
        self.take(clock.settle(self.session, now=after(at)))
        return self

    def join(
        self,
        user: str,
        role: str = "specialist",
        *,
        at: float,
        device: str = "phone",
        backstage: bool = False,
        connection: str | None = None,
    ) -> Participant:
        self.settle(at)
        accepted = presence.accept(
            self.session,
            participant_id=f"p-{user}-{device}-{at}",
            user_id=user,
            role=role,
            device_id=device,
            connection_id=connection,
            now=after(at),
            wait=starting.must_wait(self.session, user_id=user, may_enter_backstage=backstage),
        )
        self.take(Decision(accepted.session, accepted.events))
        return accepted.participant

    def leave(self, user: str, *, at: float) -> None:
        self.settle(at)
        theirs = tuple(p for p in self.session.participants if p.user_id == user)
        self.take(presence.leave(self.session, theirs, now=after(at)))

    def lose(self, connection: str, *, at: float, grace: int = 10) -> None:
        self.settle(at)
        self.session = presence.lose(self.session, connection, grace_seconds=grace, now=after(at))

    def pause(self, *, at: float, by: str = "ann", reason: str | None = None) -> None:
        self.settle(at)
        self.session = clock.with_fair_clock(self.session, self.policy)
        self.take(pausing.pause_by_hand(self.session, by=by, reason=reason, now=after(at)))

    def resume(self, *, at: float) -> None:
        self.settle(at)
        self.take(pausing.resume_by_hand(self.session, by="ann", reason=None, now=after(at)))
        self.settle(at)

    def start(self, *, at: float) -> None:
        self.settle(at)
        self.take(starting.start_by_hand(self.session, by="ann", reason=None, now=after(at)))

    def go_live(self, *, at: float) -> None:
        self.settle(at)
        self.take(starting.go_live(self.session, by="ann", now=after(at)))

    def stop_live(self, *, at: float) -> None:
        self.settle(at)
        self.take(starting.stop_live(self.session, by="ann"))

    def admit(self, user: str, *, at: float) -> None:
        self.settle(at)
        self.take(starting.admit(self.session, user_id=user, by="ann", now=after(at)))
        self.take(attendance.observe(self.session, at=after(at)))

    def extend(self, seconds: int, *, at: float) -> extending.Overrun | None:
        self.settle(at)
        overrun = extending.check(self.session, seconds=seconds, now=after(at))
        self.session, change = clock.extend(
            self.session,
            seconds=seconds,
            ceiling_seconds=CEILING,
            change_id=f"c{len(self.ledger)}",
            by="ann",
            now=after(at),
        )
        self.ledger.append(change)
        self.settle(at)
        return overrun

    def set_total(self, total: int | None, *, at: float) -> None:
        self.settle(at)
        self.session, change = clock.set_limit(
            self.session,
            max_duration_seconds=total,
            change_id=f"c{len(self.ledger)}",
            by="ann",
            now=after(at),
        )
        if change is not None:
            self.ledger.append(change)
        self.settle(at)

    def set_rules(self, *, at: float, extension: dict[str, Any] | None = None, **rules: Any) -> None:
        self.settle(at)
        new = replace(self.policy, **rules)
        if extension is not None:
            new = replace(new, extension=ExtensionPolicy(**extension))
        scheduled_at = self.session.fair.scheduled_at if self.session.fair else None
        self.take(clock.with_policy(self.session, new, by="ann", now=after(at), scheduled_at=scheduled_at))
        self.policy = new
        self.settle(at)

    def offer(self, seconds: int, *, at: float, timeout: float = 60) -> Offer:
        self.settle(at)
        offered = Offer(
            id=f"o{at}", seconds=seconds, by="ann", offered_at=after(at), expires_at=after(at + timeout)
        )
        self.session = extending.offer(self.session, offered)
        return offered

    def calendar(self, free_until: float | None) -> None:
        assert self.session.fair is not None
        until = None if free_until is None else after(free_until)
        self.session = replace(self.session, fair=replace(self.session.fair, free_until=until))

    def rows(self, *how: str) -> list[tuple[str, float | None]]:
        """The ledger as (how, seconds after the start)."""
        return [(row.how, seconds_of(row.at)) for row in self.ledger if not how or row.how in how]

    @property
    def ends_at(self) -> float | None:
        return seconds_of(self.session.timer_ends_at)

    @property
    def ended(self) -> tuple[float | None, str | None]:
        return seconds_of(self.session.ended_at), self.session.ended_reason

    def warned(self) -> list[int]:
        return [event.threshold_seconds for event in self.events if isinstance(event, Warned)]

    def ends(self) -> list[Ended]:
        return [event for event in self.events if isinstance(event, Ended)]

    def record(self, at: float) -> Record:
        """The record as it is after everything that is due at `at`."""
        self.settle(at)
        stays = [*self.stays, *self.session.participants]
        return make_record(self.session, stays, self.ledger, now=after(at))


def started(session: Session) -> float | None:
    """When the clock started, in seconds after `START`."""
    return seconds_of(session.started_at if session.fair is None else session.fair.started_running_at)

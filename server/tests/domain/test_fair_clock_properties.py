"""Whatever happens in whatever order, a clock with policies keeps its promises (design section 6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from callclock_server.domain import clock, errors, extending, presence, reading
from callclock_server.domain.events import ClockChanged
from callclock_server.domain.ledger import account
from callclock_server.domain.session import Change, Session
from callclock_server.storage import sessions
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from .sitting import START, Sitting

ROLES = ("specialist", "patient")
PEOPLE = {"ann": "specialist", "bob": "specialist", "bill": "patient"}
people = st.sampled_from(sorted(PEOPLE))
devices = st.sampled_from(["phone", "laptop"])
roles = st.lists(st.sampled_from(ROLES), unique=True, max_size=2).map(tuple)
spans = st.one_of(st.integers(0, 40), st.integers(0, 3000), st.floats(0, 500))
rules = st.fixed_dictionaries(
    {
        "starts": st.sampled_from(["first_join", "all_roles", "scheduled", "manual"]),
        "required_roles": roles,
        "pause_when_absent": roles,
        "absence_grace_seconds": st.sampled_from([0, 5, 30]),
        "max_pause_seconds": st.sampled_from([0, 20, 600]),
        "max_wall_seconds": st.sampled_from([None, 900, 4000]),
        "overtime_seconds": st.sampled_from([0, 100]),
        "no_show_seconds": st.sampled_from([None, 60, 600]),
        "no_show_action": st.sampled_from(["end", "tell"]),
        "back_to_back": st.sampled_from(["off", "refuse"]),
        "backstage": st.booleans(),
        "join_ahead_time_seconds": st.sampled_from([0, 60]),
        "opens": st.sampled_from(["schedule", "manual"]),
    }
)
extensions = st.fixed_dictionaries(
    {
        "max_count": st.sampled_from([None, 2]),
        "max_total_seconds": st.sampled_from([None, 1000]),
        "cooldown_seconds": st.sampled_from([0, 60]),
        "consent_roles": roles,
    }
)


class FairLife(RuleBasedStateMachine):
    sitting: Sitting
    now: float

    @initialize(
        total=st.one_of(st.none(), st.integers(1, 2000)),
        engine=st.sampled_from(["none", "livekit"]),
        scheduled_at=st.sampled_from([None, 0, 300]),
        given=rules,
        extension=extensions,
        free_until=st.sampled_from([None, 1500]),
    )
    def begin(
        self, total: Any, engine: Any, scheduled_at: Any, given: Any, extension: Any, free_until: Any
    ) -> None:
        self.now = 0.0
        self.longest = total or 0
        self.limited = total is not None
        self.sitting = Sitting(
            total=total, engine=engine, scheduled_at=scheduled_at, extension=extension, **given
        )
        if self.sitting.session.fair is not None:
            self.sitting.calendar(free_until)
        self.join("ann", "phone", True)

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def settle(self) -> bool:
        """Settle, and check that it makes no difference whether somebody looked at every alarm before."""
        session, now = self.sitting.session, self.moment
        once = clock.settle(session, now=now)
        step, rows = session, []
        while (at := clock.next_alarm_at(step)) is not None and at <= now:
            decision = clock.settle(step, now=at)
            rows += _rows(decision.events)
            step = decision.session
        assert step == once.session
        assert rows == _rows(once.events)
        self.sitting.settle(self.now)
        following = clock.next_alarm_at(self.sitting.session)
        assert following is None or following > now
        return self.sitting.session.running

    @rule(seconds=spans)
    def time_passes(self, seconds: float) -> None:
        self.now = round(self.now + seconds, 6)
        self.settle()

    @rule()
    def next_alarm_comes(self) -> None:
        at = clock.next_alarm_at(self.sitting.session)
        if at is not None and at > self.moment:
            self.now = (at - START).total_seconds()
            self.settle()

    @rule(user=people, device=devices, backstage=st.booleans())
    def join(self, user: str, device: str, backstage: bool) -> None:
        if self.settle():
            self.sitting.join(
                user, PEOPLE[user], at=self.now, device=device, backstage=backstage, connection=f"c-{user}"
            )

    @rule(user=people)
    def arrive(self, user: str) -> None:
        self.settle()
        for participant in self.sitting.session.participants:
            if participant.user_id == user and participant.waiting_since is None:
                session, events = presence.arrive(self.sitting.session, participant, now=self.moment)
                self.sitting.take(clock.Decision(session, events))

    @rule(user=people)
    def leave(self, user: str) -> None:
        if self.settle():
            self.sitting.leave(user, at=self.now)

    @rule(user=people)
    def connection_breaks(self, user: str) -> None:
        if self.settle():
            self.sitting.lose(f"c-{user}", at=self.now)

    @rule(user=people)
    def connection_comes_back(self, user: str) -> None:
        if self.settle():
            self.sitting.session = presence.resume(self.sitting.session, f"c-{user}", node_id="n")

    @rule(deed=st.sampled_from(["start", "pause", "resume", "go_live", "stop_live"]))
    def clock_is_handled(self, deed: str) -> None:
        if self.settle() and self.sitting.session.fair is not None:
            try:
                getattr(self.sitting, deed)(at=self.now)
            except errors.Conflict:
                return
            self.settle()

    @rule(user=people)
    def admit(self, user: str) -> None:
        if self.settle() and self.sitting.session.fair is not None:
            try:
                self.sitting.admit(user, at=self.now)
            except errors.NotWaiting:
                return
            self.settle()

    @rule(seconds=st.integers(-1500, 1500).filter(bool))
    def extend(self, seconds: int) -> None:
        if not self.settle():
            return
        before = self.sitting.session
        try:
            self.sitting.extend(seconds, at=self.now)
        except errors.CallclockError:
            assert self.sitting.session == before
            return
        self.longest = max(self.longest, before.max_duration_seconds + seconds)  # type: ignore[operator]

    @rule(total=st.one_of(st.none(), st.integers(1, 3000)))
    def set_the_total(self, total: int | None) -> None:
        if self.settle():
            self.limited = self.limited and total is not None
            self.longest = max(self.longest, total or 0)
            self.sitting.set_total(total, at=self.now)

    @rule(given=rules, extension=extensions)
    def policy_changes(self, given: Any, extension: Any) -> None:
        if not self.settle():
            return
        fair, now = self.sitting.session.fair, self.moment
        used = reading.paused(self.sitting.session, now=now).total_seconds()
        given["max_pause_seconds"] = max(given["max_pause_seconds"], int(used) + 1)
        if fair is not None and fair.started_running_at is not None and given["max_wall_seconds"]:
            ran = (now - fair.started_running_at).total_seconds()
            given["max_wall_seconds"] = max(given["max_wall_seconds"], int(ran) + 1)
        self.sitting.set_rules(at=self.now, extension=extension, **given)
        self.settle()

    @rule(timeout=st.integers(5, 100))
    def offer(self, timeout: int) -> None:
        if self.settle() and self.sitting.session.fair is not None:
            try:
                self.sitting.offer(300, at=self.now, timeout=timeout)
            except errors.OfferPending:
                return

    @rule()
    def process_is_killed_and_another_goes_on(self) -> None:
        session = self.sitting.session
        restored = sessions.from_row(SimpleNamespace(**sessions.to_row(session)), session.participants)
        assert restored == session

    @rule()
    def end_is_always_reached(self) -> None:
        over = clock.settle(self.sitting.session, now=self.moment + timedelta(days=10)).session
        if self.sitting.session.max_duration_seconds is not None:
            assert not over.running

    @invariant()
    def ledger_reproduces_the_deadline(self) -> None:
        if not hasattr(self, "sitting"):
            return
        session, fair = self.sitting.session, self.sitting.session.fair
        wall = fair.policy.max_wall_seconds if fair else None
        proved = account(self.sitting.ledger, max_wall_seconds=wall)
        assert proved.total_seconds == session.max_duration_seconds
        if fair is not None:
            assert proved.started_running_at == fair.started_running_at
            assert proved.paused == fair.paused
            assert proved.overtime_since == fair.overtime_since
        if fair is None or fair.pause is None:
            assert proved.timer_ends_at == session.timer_ends_at
        for old, new in zip(self.sitting.ledger, self.sitting.ledger[1:], strict=False):
            assert new.old_ends_at == old.new_ends_at
        ids = [row.id for row in self.sitting.ledger]
        assert len(set(ids)) == len(ids)

    @invariant()
    def every_second_is_accounted_for(self) -> None:
        if not hasattr(self, "sitting"):
            return
        session = self.sitting.session
        record = self.sitting.record(self.now)
        parts = record.waiting_seconds + record.running_seconds + record.paused_seconds
        assert abs(parts + record.overtime_seconds - record.wall_seconds) < 1e-6
        for one, following in zip(record.intervals, record.intervals[1:], strict=False):
            assert one.ended_at == following.started_at
        if not session.void:
            elapsed = reading.elapsed(session, now=self.moment).total_seconds()
            assert abs(record.running_seconds - elapsed) < 1e-6
        if self.limited and session.fair is not None:
            # Nothing that people do makes paid time longer than what was given.
            assert record.running_seconds <= self.longest + 1e-6

    @invariant()
    def caps_hold(self) -> None:
        if not hasattr(self, "sitting") or self.sitting.session.fair is None:
            return
        session, fair = self.sitting.session, self.sitting.session.fair
        paused = reading.paused(session, now=self.moment)
        assert paused <= timedelta(seconds=fair.policy.max_pause_seconds)
        if session.ended_at is not None and fair.wall_ends_at is not None:
            assert session.ended_at <= fair.wall_ends_at
        if session.running:
            assert extending.options(session, now=self.moment) is not None

    @invariant()
    def ends_once_and_tells_each_thing_once(self) -> None:
        if not hasattr(self, "sitting"):
            return
        assert len(self.sitting.ends()) == (0 if self.sitting.session.running else 1)
        kinds = [type(event).__name__ for event in self.sitting.events]
        assert "Ended" not in kinds[:-1]
        assert kinds.count("NoShow") <= 1


def _rows(events: Any) -> list[Change]:
    return [event.change for event in events if isinstance(event, ClockChanged)]


FairLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestFairLife = FairLife.TestCase


def test_plain_policy_leaves_a_session_plain() -> None:
    session: Session = Sitting().session
    assert session.fair is None

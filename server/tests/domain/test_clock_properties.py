"""Whatever happens in whatever order, the clock keeps its promises (design section 5).

A machine plays a session's life: joins, leaves, lost connections, changes, extensions, kills (the state is
written to a row and read again), and looks at the clock at any moment, early or late.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from callclock_server.domain import clock, presence
from callclock_server.domain.clock import Decision
from callclock_server.domain.errors import LimitOutOfRange, NoTimeLimit
from callclock_server.domain.events import Ended, Warned
from callclock_server.domain.session import MAX_DURATION_REACHED, NEVER_CONNECTED, Change, Session
from callclock_server.storage import sessions
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CEILING = 86_400
totals = st.one_of(st.none(), st.integers(1, 4000))
people = st.sampled_from(["ann", "ben", "cleo"])
devices = st.sampled_from(["phone", "laptop"])


class SessionLife(RuleBasedStateMachine):
    session: Session
    now: datetime

    @initialize(total=totals, engine=st.sampled_from(["none", "livekit"]))
    def start(self, total: int | None, engine: Any) -> None:
        limits = {
            "max_duration_seconds": total,
            "warning_seconds": [60, 300],
            "empty_timeout_seconds": 30,
            "join_timeout_seconds": 30,
        }
        self.now = START
        self.session, first = clock.start_session(
            id="s", cid="t:c", change_id="c0", limits=limits, engine=engine, by=None, now=START
        )
        self.ledger: list[Change] = [first]
        self.ends: list[Ended] = []
        self.warnings: list[tuple[int, datetime]] = []
        self.count = 0
        self.join("ann", "phone")

    def take(self, decision: Decision) -> None:
        assert not (self.ends and decision.events), "something happened after the end"
        self.session = decision.session
        for event in decision.events:
            if isinstance(event, Ended):
                self.ends.append(event)
            if isinstance(event, Warned):
                self.warnings.append((event.threshold_seconds, event.timer_ends_at))
        for gone in decision.closed:
            assert gone.left_at is not None
            assert gone.joined_at is None or gone.left_at >= gone.joined_at

    def changed(self, change: Change) -> None:
        """Note a row of the ledger, and which warnings it arms again (rule 8), also for a former deadline."""
        self.ledger.append(change)
        deadline = self.session.timer_ends_at
        left = None if deadline is None else (deadline - self.now).total_seconds()
        self.warnings = [warned for warned in self.warnings if left is not None and left <= warned[0]]
        self.settle()

    def settle(self) -> None:
        self.take(clock.settle(self.session, now=self.now))

    @rule(seconds=st.one_of(st.floats(0, 90), st.floats(0, 5000)))
    def time_passes_and_the_sweeper_looks(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.settle()

    @rule(seconds=st.floats(0, 5000))
    def time_passes_unseen(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def sweeper_looks_at_the_next_alarm_exactly(self) -> None:
        at = clock.next_alarm_at(self.session)
        if at is not None and at >= self.now:
            self.now = at
            self.settle()
            following = clock.next_alarm_at(self.session)
            assert following is None or following > at

    @rule(user=people, device=devices)
    def join(self, user: str, device: str) -> None:
        self.settle()
        if not self.session.running:
            return
        before = self.session.timer_ends_at
        self.count += 1
        accepted = presence.accept(
            self.session,
            participant_id=f"p{self.count}",
            user_id=user,
            role="user",
            device_id=device,
            connection_id=f"conn-{user}",
            now=self.now,
        )
        self.take(Decision(accepted.session, accepted.events))
        assert self.session.timer_ends_at == before

    @rule(user=people)
    def everyone_of_a_user_reaches_the_room(self, user: str) -> None:
        self.settle()
        for participant in self.session.participants:
            if participant.user_id == user:
                self.take(Decision(*presence.arrive(self.session, participant, now=self.now)))

    @rule(user=people)
    def leave(self, user: str) -> None:
        self.settle()
        before = self.session.timer_ends_at
        theirs = tuple(p for p in self.session.participants if p.user_id == user)
        self.take(presence.leave(self.session, theirs, now=self.now))
        assert self.session.timer_ends_at == before

    @rule(user=people)
    def connection_breaks(self, user: str) -> None:
        self.settle()
        self.session = presence.lose(self.session, f"conn-{user}", grace_seconds=10, now=self.now)

    @rule(user=people)
    def connection_comes_back(self, user: str) -> None:
        self.settle()
        self.session = presence.resume(self.session, f"conn-{user}", node_id="n")

    @rule(seconds=st.integers(-4000, 4000).filter(bool))
    def extend(self, seconds: int) -> None:
        self.settle()
        if not self.session.running:
            return
        before = self.session
        try:
            self.session, change = clock.extend(
                self.session,
                seconds=seconds,
                ceiling_seconds=CEILING,
                change_id=f"c{len(self.ledger)}",
                by="ann",
                now=self.now,
            )
        except (LimitOutOfRange, NoTimeLimit):
            assert self.session is before
            return
        self.changed(change)

    @rule(total=totals)
    def set_the_total(self, total: int | None) -> None:
        self.settle()
        if not self.session.running:
            return
        self.session, change = clock.set_limit(
            self.session, max_duration_seconds=total, change_id=f"c{len(self.ledger)}", by="ann", now=self.now
        )
        if change is not None:
            self.changed(change)
        self.settle()

    @rule()
    def process_is_killed_and_starts_again(self) -> None:
        row = sessions.to_row(self.session)
        restored = sessions.from_row(SimpleNamespace(**row), self.session.participants)
        assert restored == self.session
        self.session = restored

    @precondition(lambda self: self.session.timer_ends_at is not None)
    @rule()
    def limit_is_always_reached(self) -> None:
        """From any state with a limit, waiting is enough."""
        over = clock.settle(self.session, now=self.now + timedelta(days=10)).session
        assert not over.running
        if self.session.running and over.ended_reason != NEVER_CONNECTED:
            assert (over.ended_reason, over.ended_at) == (MAX_DURATION_REACHED, self.session.timer_ends_at)

    @invariant()
    def ledger_reproduces_the_deadline(self) -> None:
        if not hasattr(self, "session"):
            return
        total = sum(change.seconds for change in self.ledger)
        deadline = self.session.timer_ends_at
        if deadline is None:
            assert total == 0
        else:
            assert deadline == START + timedelta(seconds=total)
        for old, new in zip(self.ledger, self.ledger[1:], strict=False):
            assert new.old_ends_at == old.new_ends_at

    @invariant()
    def ends_at_most_once_and_on_time(self) -> None:
        if not hasattr(self, "session"):
            return
        assert len(self.ends) <= 1
        assert bool(self.ends) == (not self.session.running)
        if self.session.ended_reason == MAX_DURATION_REACHED:
            assert self.session.ended_at == self.session.timer_ends_at == self.ends[0].at
        if not self.session.running:
            assert self.session.participants == ()
            assert clock.next_alarm_at(self.session) is None

    @invariant()
    def warns_once_for_each_threshold_and_deadline(self) -> None:
        if hasattr(self, "session"):
            assert len(set(self.warnings)) == len(self.warnings)


SessionLife.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestSessionLife = SessionLife.TestCase

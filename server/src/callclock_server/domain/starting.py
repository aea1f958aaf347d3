"""Start rules, backstage and no-show: when paid time begins, and what happens when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from . import errors, pausing, reading
from .decision import Decision, fair_of, noted
from .ending import end
from .events import Admitted, BackstageChanged, Joined, NoShow, WaitingChanged
from .fair import Fair
from .policy import Policy
from .session import NEVER_STARTED, Participant, Session
from .session import NO_SHOW as ENDED_BY_NO_SHOW

LONGEST_WAIT = timedelta(days=1)


def first_state(policy: Policy, *, scheduled_at: datetime | None, now: datetime) -> Fair:
    """Return the state of a clock that begins now; it has not started to run."""
    fair = Fair(policy=policy, scheduled_at=scheduled_at)
    if not policy.backstage:
        return fair
    by_time = scheduled_at if policy.opens == "schedule" else None
    live = by_time is not None and by_time <= now
    ahead = timedelta(seconds=policy.join_ahead_time_seconds)
    doors = by_time is not None and by_time - ahead <= now
    return replace(fair, live=live, doors_open=doors, schedule_over=live)


def must_wait(session: Session, *, user_id: str, may_enter_backstage: bool) -> bool:
    """Tell whether somebody who joins now comes into the waiting room."""
    fair = session.fair
    if fair is None or not fair.policy.backstage or may_enter_backstage:
        return False
    return not (fair.live or fair.doors_open or user_id in fair.admitted)


def start_by_hand(session: Session, *, by: str | None, reason: str | None, now: datetime) -> Decision:
    """Start a clock that waits. Raises ClockAlreadyStarted, CallNotLive."""
    fair = fair_of(session)
    if fair.started_running_at is not None:
        raise errors.ClockAlreadyStarted
    if not _on_stage(fair):
        raise errors.CallNotLive
    return _start(session, at=now, rule="manual", by=by, reason=reason)


def start_if_due(session: Session, *, at: datetime) -> Decision:
    """Start the clock if its rule is fulfilled."""
    fair = fair_of(session)
    if fair.started_running_at is not None or not _on_stage(fair):
        return Decision(session)
    rule = fair.policy.starts
    if rule == "first_join":
        due = any(p.waiting_since is None for p in session.participants)
    elif rule == "all_roles":
        due = bool(session.participants) and not missing_roles(session)
    else:
        due = rule == "scheduled" and fair.scheduled_at is not None and fair.scheduled_at <= at
    return _start(session, at=at, rule=rule) if due else Decision(session)


def missing_roles(session: Session) -> tuple[str, ...]:
    """Return the required roles that nobody present has."""
    present = {p.role for p in session.participants if p.present}
    return tuple(role for role in fair_of(session).policy.required_roles if role not in present)


def _on_stage(fair: Fair) -> bool:
    """Time in backstage never counts: the call is live, or somebody was let in from the waiting room."""
    return fair.live or bool(fair.admitted)


def _start(
    session: Session, *, at: datetime, rule: str, by: str | None = None, reason: str | None = None
) -> Decision:
    fair = replace(fair_of(session), started_running_at=at)
    total = session.max_duration_seconds
    reached = [t for t in session.warning_seconds if total is not None and t >= total]
    return noted(
        replace(session, warned_seconds=min(reached, default=None)),
        pausing.absences(session, fair, at=at),
        "clock_start",
        at=at,
        by=by,
        reason=reason,
        details={"rule": rule},
    )


# -- backstage ---------------------------------------------------------------------------------------------


def go_live(session: Session, *, by: str | None, now: datetime) -> Decision:
    """Open the call: whoever waits comes in, and the clock's start rule holds from now on."""
    fair = fair_of(session)
    if fair.live:
        return Decision(session)
    live = replace(fair, live=True, doors_open=True, schedule_over=True)
    decision = Decision(replace(session, fair=live), (BackstageChanged(True, by),))
    decision = decision.then(let_in(decision.session, waiting_in(session), by=by, now=now))
    return decision.then(start_if_due(decision.session, at=now))


def stop_live(session: Session, *, by: str | None) -> Decision:
    """Close the call again: newcomers wait. A clock that has started goes on."""
    fair = fair_of(session)
    if not fair.policy.backstage or not (fair.live or fair.doors_open):
        return Decision(session)
    closed = replace(fair, live=False, doors_open=False, schedule_over=True, admitted=())
    return Decision(replace(session, fair=closed), (BackstageChanged(False, by),))


def admit(session: Session, *, user_id: str, by: str | None, now: datetime) -> Decision:
    """Let one user in from the waiting room, with all their devices. Raises NotWaiting."""
    who = tuple(p for p in waiting_in(session) if p.user_id == user_id)
    if not who:
        raise errors.NotWaiting
    fair = fair_of(session)
    known = replace(session, fair=replace(fair, admitted=(*fair.admitted, user_id)))
    return let_in(known, who, by=by, now=now)


def waiting_in(session: Session) -> tuple[Participant, ...]:
    """Return who is in the waiting room."""
    return tuple(p for p in session.participants if p.waiting_since is not None)


def let_in(session: Session, who: tuple[Participant, ...], *, by: str | None, now: datetime) -> Decision:
    """Let people in. With a media room they have `join_timeout_seconds` to get there."""
    if not who:
        return Decision(session)
    ids = {p.id for p in who}
    direct = session.engine == "none"
    expires_at = now + timedelta(seconds=session.join_timeout_seconds)
    inside = tuple(
        replace(
            p,
            waiting_since=None,
            joined_at=now if direct else None,
            join_expires_at=None if direct else expires_at,
            connection_id=p.connection_id if direct else None,
            lost_at=p.lost_at if direct else None,
            grace_ends_at=p.grace_ends_at if direct else None,
        )
        if p.id in ids
        else p
        for p in session.participants
    )
    let = tuple(p for p in inside if p.id in ids)
    reached = session.reached_at or (now if direct else None)
    events = tuple(
        event for p in let for event in ((Admitted(p, by), Joined(p)) if direct else (Admitted(p, by),))
    )
    return Decision(replace(session, participants=inside, reached_at=reached), (*events, WaitingChanged()))


# -- alarms ------------------------------------------------------------------------------------------------


def alarms(session: Session) -> Iterator[tuple[datetime, str]]:
    """Yield when doors open, the call goes live, a scheduled clock starts, somebody is missed too long."""
    fair, policy = fair_of(session), fair_of(session).policy
    earliest = max(session.started_at, fair.changed_at or session.started_at)
    if fair.scheduled_at is not None and policy.opens == "schedule" and not fair.schedule_over:
        at = max(fair.scheduled_at, earliest)
        if not fair.doors_open:
            ahead = timedelta(seconds=policy.join_ahead_time_seconds)
            yield max(fair.scheduled_at - ahead, earliest), "doors"
        if not fair.live:
            yield at, "live"
    if fair.started_running_at is None:
        yield session.started_at + LONGEST_WAIT, "never_started"
        if policy.starts == "scheduled" and fair.scheduled_at is not None and _on_stage(fair):
            yield max(fair.scheduled_at, earliest), "scheduled_start"
    no_show_at = no_show_due_at(session)
    if no_show_at is not None:
        yield no_show_at, "no_show"


def ring(session: Session, alarm: str, *, at: datetime) -> Decision:
    """Apply one of these alarms."""
    if alarm == "doors":
        opened = replace(session, fair=replace(fair_of(session), doors_open=True))
        return let_in(opened, waiting_in(session), by=None, now=at)
    if alarm == "live":
        return go_live(session, by=None, now=at)
    if alarm == "scheduled_start":
        return start_if_due(session, at=at)
    if alarm == "never_started":
        return end(session, at=at, reason=NEVER_STARTED)
    return _no_show(session, at=at)


def no_show_due_at(session: Session) -> datetime | None:
    """Return when required roles that never came are missed for too long; None when that cannot happen."""
    fair = fair_of(session)
    seconds = fair.policy.no_show_seconds
    if seconds is None or fair.no_show_at is not None or not _never_seen(fair):
        return None
    base = fair.scheduled_at or session.started_at
    earliest = max(session.started_at, fair.changed_at or session.started_at)
    return max(base + timedelta(seconds=seconds), earliest)


def _never_seen(fair: Fair) -> tuple[str, ...]:
    return tuple(role for role in fair.policy.required_roles if role not in fair.seen_roles)


def _no_show(session: Session, *, at: datetime) -> Decision:
    fair = fair_of(session)
    event = NoShow(at, _never_seen(fair), fair.policy.no_show_action)
    decision = Decision(replace(session, fair=replace(fair, no_show_at=at)), (event,))
    if fair.policy.no_show_action == "tell":
        return decision
    return decision.then(end(decision.session, at=at, reason=ENDED_BY_NO_SHOW))


def waiting_reason(session: Session) -> str | None:
    """Return what a clock that has not started waits for: backstage, roles, schedule, start, people."""
    fair = fair_of(session)
    if reading.state_of(session) != "waiting":
        return None
    if not _on_stage(fair):
        return "backstage"
    return {"all_roles": "roles", "scheduled": "schedule", "manual": "start"}.get(
        fair.policy.starts, "people"
    )

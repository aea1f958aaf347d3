"""The JSON shapes of a session's clock: its state, what may be added, offers and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from callclock_server.domain import extending, reading, starting
from callclock_server.domain.call import User
from callclock_server.domain.clock import passed_threshold
from callclock_server.domain.fair import Fair, Offer, Request
from callclock_server.domain.session import Session

from .answers import View
from .times import maybe_rfc3339, rfc3339

_NO_OPTIONS: View = {
    "allowed": True,
    "reason": None,
    "steps_seconds": None,
    "count_left": None,
    "seconds_left": None,
    "cooldown_until": None,
    "consent_roles": [],
    "free_until": None,
    "free_seconds": None,
}
_UNLIMITED_OPTIONS: View = {**_NO_OPTIONS, "allowed": False, "reason": "no-time-limit"}
_PLAIN: View = {
    "waiting_for": None,
    "paused_seconds": 0,
    "paused_since": None,
    "paused_reason": None,
    "pause_ends_at": None,
    "overtime_since": None,
    "overtime_seconds": 0,
    "overtime_ends_at": None,
    "wall_ends_at": None,
    "live": True,
    "waiting_count": 0,
    "extension": _NO_OPTIONS,
    "offer": None,
    "requests": [],
}


def clock_view(
    session: Session, users: Mapping[str, User], *, now: datetime, expected: Sequence[User] = ()
) -> View:
    """What the clock of a session does at a moment."""
    if session.fair is None:
        return _plain_view(session, now=now)
    left = reading.remaining(session, now=now)
    return {
        **_PLAIN,
        "state": reading.state_of(session),
        "elapsed_seconds": reading.elapsed(session, now=now).total_seconds(),
        "remaining_seconds": None if left is None else max(0.0, left.total_seconds()),
        "passed_warning_seconds": passed_threshold(session, now=now),
        **_fair_view(session, session.fair, users, now=now, expected=expected),
    }


def _plain_view(session: Session, *, now: datetime) -> View:
    """The clock without policies. Thousands of these are written at the top of an hour."""
    deadline, left, passed = session.timer_ends_at, None, None
    if deadline is not None:
        left = max(0.0, (deadline - now).total_seconds())
        passed = min((t for t in session.warning_seconds if left <= t), default=None)
    return {
        **_PLAIN,
        "state": "running" if session.ended_at is None else "ended",
        "started_running_at": rfc3339(session.started_at),
        "elapsed_seconds": max(0.0, (now - session.started_at).total_seconds()),
        "remaining_seconds": left,
        "passed_warning_seconds": passed,
        "extension": _NO_OPTIONS if deadline is not None else _UNLIMITED_OPTIONS,
    }


def _fair_view(
    session: Session, fair: Fair, users: Mapping[str, User], *, now: datetime, expected: Sequence[User]
) -> View:
    overtime_ends_at = fair.overtime_ends_at
    deadline = session.timer_ends_at
    if overtime_ends_at is None and deadline is not None and fair.policy.overtime_seconds:
        overtime_ends_at = reading.overtime_limit(session, deadline)
    return {
        "waiting_for": _waiting_for(session, fair, expected),
        "started_running_at": maybe_rfc3339(fair.started_running_at),
        "paused_seconds": reading.paused(session, now=now).total_seconds(),
        "paused_since": maybe_rfc3339(fair.pause.since if fair.pause else None),
        "paused_reason": _paused_reason(fair),
        "pause_ends_at": maybe_rfc3339(fair.pause_ends_at),
        "overtime_since": maybe_rfc3339(fair.overtime_since),
        "overtime_seconds": reading.overtime(session, now=now).total_seconds(),
        "overtime_ends_at": maybe_rfc3339(overtime_ends_at),
        "wall_ends_at": maybe_rfc3339(fair.wall_ends_at),
        "live": fair.live,
        "waiting_count": len(starting.waiting_in(session)),
        "extension": _options(session, fair, now=now),
        "offer": offer_view(fair.offer, users) if fair.offer else None,
        "requests": [request_view(request, users) for request in fair.requests],
    }


def _waiting_for(session: Session, fair: Fair, expected: Sequence[User]) -> View | None:
    reason = starting.waiting_reason(session)
    if reason is None:
        return None
    roles = starting.missing_roles(session)
    present = {p.user_id for p in session.participants if p.present}
    return {
        "reason": reason,
        "roles": list(roles),
        "users": [person_view(user) for user in expected if user.id not in present] if roles else [],
        "starts_at": maybe_rfc3339(fair.scheduled_at),
    }


def _paused_reason(fair: Fair) -> View | None:
    if fair.pause is None:
        return None
    absent = fair.pause.kind == "absence"
    return {
        "kind": fair.pause.kind,
        "roles": [role for role, _ in fair.absent] if absent else [],
        "by": fair.pause.by,
        "reason": fair.pause.reason,
    }


def _options(session: Session, fair: Fair, *, now: datetime) -> View:
    options = extending.options(session, now=now)
    return {
        "allowed": options.refusal is None,
        "reason": options.refusal,
        "steps_seconds": None if options.steps_seconds is None else list(options.steps_seconds),
        "count_left": options.count_left,
        "seconds_left": options.seconds_left,
        "cooldown_until": maybe_rfc3339(options.cooldown_until),
        "consent_roles": list(fair.policy.extension.consent_roles),
        "free_until": maybe_rfc3339(options.free_until),
        "free_seconds": options.free_seconds,
    }


def person_view(user: User) -> View:
    """Whom a page names."""
    return {"id": user.id, "name": user.name, "image": user.image}


def _person(users: Mapping[str, User], user_id: str | None) -> View | None:
    user = users.get(user_id) if user_id is not None else None
    return person_view(user) if user else None


def offer_view(offer: Offer, users: Mapping[str, User]) -> View:
    """More time that waits for consent."""
    return {
        "id": offer.id,
        "seconds": offer.seconds,
        "by": offer.by,
        "user": _person(users, offer.by),
        "price_text": offer.price_text,
        "reason": offer.reason,
        "offered_at": rfc3339(offer.offered_at),
        "expires_at": rfc3339(offer.expires_at),
        "request_id": offer.request_id,
    }


def request_view(request: Request, users: Mapping[str, User]) -> View:
    """More time that was asked for."""
    return {
        "id": request.id,
        "seconds": request.seconds,
        "by": request.by,
        "user": _person(users, request.by),
        "reason": request.reason,
        "requested_at": rfc3339(request.requested_at),
        "expires_at": rfc3339(request.expires_at),
    }


def overrun_view(overrun: extending.Overrun) -> View:
    """A warning of what an extension runs into."""
    return {
        "code": "runs-into-next-call",
        "free_until": rfc3339(overrun.free_until),
        "free_seconds": overrun.free_seconds,
    }

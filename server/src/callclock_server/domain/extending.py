"""More time: what an extension must keep to, offers that need consent, requests without the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from . import errors, reading
from .decision import Decision, fair_of
from .events import Answered
from .fair import Answer, Fair, Offer, Request
from .session import Session


@dataclass(frozen=True, slots=True)
class Overrun:
    """An extension runs into a member's next call, which the policy allows with a warning."""

    free_until: datetime
    free_seconds: int


@dataclass(frozen=True, slots=True)
class Options:
    """What an extension may be now. None: no such cap. `refusal` is the code that every step would get."""

    refusal: str | None
    steps_seconds: tuple[int, ...] | None
    count_left: int | None
    seconds_left: int | None
    cooldown_until: datetime | None
    free_until: datetime | None
    free_seconds: int | None


# -- rules -------------------------------------------------------------------------------------------------


def check(session: Session, *, seconds: int, now: datetime, cooldown: bool = True) -> Overrun | None:
    """Refuse an extension that breaks the session's policy; shortening is always allowed.

    Returns the overrun into a member's next call where that is allowed with a warning. Raises
    ExtensionStepNotAllowed, ExtensionCountReached, ExtensionTotalReached, ExtensionCoolingDown,
    WallLimitReached, RunsIntoNextCall.
    """
    fair = session.fair
    if fair is None or seconds <= 0:
        return None
    policy = fair.policy.extension
    if policy.steps_seconds is not None and seconds not in policy.steps_seconds:
        raise errors.ExtensionStepNotAllowed(policy.steps_seconds)
    if policy.max_count is not None and fair.extended_count >= policy.max_count:
        raise errors.ExtensionCountReached(policy.max_count)
    left = _seconds_left(fair)
    if left is not None and seconds > left:
        raise errors.ExtensionTotalReached(left)
    until = _cooldown_until(fair, now=now)
    if cooldown and until is not None:
        raise errors.ExtensionCoolingDown(until)
    _check_wall(session, fair, seconds=seconds, now=now)
    return _check_guard(session, fair, seconds=seconds, now=now)


def _check_wall(session: Session, fair: Fair, *, seconds: int, now: datetime) -> None:
    room = _room_before(session, fair.wall_ends_at, now=now)
    if room is not None and seconds > room:
        raise errors.WallLimitReached(max(0, room))


def _check_guard(session: Session, fair: Fair, *, seconds: int, now: datetime) -> Overrun | None:
    if fair.policy.back_to_back == "off":
        return None
    free = _room_before(session, fair.free_until, now=now)
    if free is None or seconds <= free or fair.free_until is None:
        return None
    if fair.policy.back_to_back == "refuse":
        raise errors.RunsIntoNextCall(fair.free_until, max(0, free))
    return Overrun(fair.free_until, max(0, free))


def _room_before(session: Session, bound: datetime | None, *, now: datetime) -> int | None:
    """Return how many whole seconds the deadline may move until it meets `bound`; None without one."""
    end = reading.expected_end(session, now=now)
    return None if bound is None or end is None else (bound - end) // timedelta(seconds=1)


def _seconds_left(fair: Fair) -> int | None:
    most = fair.policy.extension.max_total_seconds
    return None if most is None else max(0, most - fair.extended_seconds)


def _cooldown_until(fair: Fair, *, now: datetime) -> datetime | None:
    if fair.extended_at is None or fair.policy.extension.cooldown_seconds == 0:
        return None
    until = fair.extended_at + timedelta(seconds=fair.policy.extension.cooldown_seconds)
    return until if until > now else None


def options(session: Session, *, now: datetime) -> Options:
    """Return what an extension may be now, for a menu that shows only what will be accepted."""
    fair = session.fair
    if fair is None:
        refusal = errors.NoTimeLimit.code if session.max_duration_seconds is None else None
        return Options(refusal, None, None, None, None, None, None)
    policy = fair.policy.extension
    steps = policy.steps_seconds
    accepted = None if steps is None else tuple(s for s in steps if _refusal(session, s, now=now) is None)
    refusal = _refusal(session, min(steps) if steps else 1, now=now) if not accepted else None
    guarded = fair.policy.back_to_back != "off"
    free = _room_before(session, fair.free_until, now=now) if guarded else None
    return Options(
        refusal=refusal,
        steps_seconds=accepted,
        count_left=None if policy.max_count is None else max(0, policy.max_count - fair.extended_count),
        seconds_left=_seconds_left(fair),
        cooldown_until=_cooldown_until(fair, now=now),
        free_until=fair.free_until if guarded else None,
        free_seconds=None if free is None else max(0, free),
    )


def _refusal(session: Session, seconds: int, *, now: datetime) -> str | None:
    if session.max_duration_seconds is None:
        return errors.NoTimeLimit.code
    try:
        check(session, seconds=seconds, now=now)
    except errors.CallclockError as refused:
        return refused.code
    return None


def counted(fair: Fair, *, seconds: int, now: datetime) -> Fair:
    """Return the state after an extension: it counts against the caps and starts the cooldown."""
    return replace(
        fair,
        extended_count=fair.extended_count + 1,
        extended_seconds=fair.extended_seconds + seconds,
        extended_at=now,
    )


# -- offers ------------------------------------------------------------------------------------------------


def needs_consent(session: Session, *, seconds: int) -> bool:
    """Tell whether somebody of the other side must agree to this change."""
    return seconds > 0 and session.fair is not None and bool(session.fair.policy.extension.consent_roles)


def offer(session: Session, offered: Offer) -> Session:
    """Put an offer before those who may consent. Raises OfferPending."""
    fair = fair_of(session)
    if fair.offer is not None:
        raise errors.OfferPending
    return replace(session, fair=replace(fair, offer=offered))


def find_offer(session: Session | None, offer_id: str) -> Offer:
    """Return the pending offer. Raises OfferNotFound."""
    pending = session.fair.offer if session is not None and session.fair is not None else None
    if pending is None or pending.id != offer_id:
        raise errors.OfferNotFound
    return pending


def may_consent(session: Session, *, user_id: str | None, to: Offer) -> bool:
    """Tell whether a user may answer an offer: present, with a role that is asked, and not its author."""
    roles = fair_of(session).policy.extension.consent_roles
    return user_id not in (None, to.by) and any(
        p.present and p.user_id == user_id and p.role in roles for p in session.participants
    )


def close_offer(session: Session, *, answer: Answer, by: str | None, now: datetime) -> Decision:
    """Take the pending offer away with an answer."""
    fair = fair_of(session)
    assert fair.offer is not None
    event = Answered(now, answer, offer=fair.offer, by=by)
    return Decision(replace(session, fair=replace(fair, offer=None)), (event,))


# -- requests ----------------------------------------------------------------------------------------------


def request(session: Session, asked: Request) -> Session:
    """Put a request before those who may extend. Raises NotPresent, RequestPending."""
    fair = fair_of(session)
    if not any(p.present and p.user_id == asked.by for p in session.participants):
        raise errors.NotPresent
    if any(pending.by == asked.by for pending in fair.requests):
        raise errors.RequestPending
    return replace(session, fair=replace(fair, requests=(*fair.requests, asked)))


def find_request(session: Session | None, request_id: str) -> Request:
    """Return the pending request. Raises RequestNotFound."""
    pending = session.fair.requests if session is not None and session.fair is not None else ()
    for one in pending:
        if one.id == request_id:
            return one
    raise errors.RequestNotFound


def close_request(
    session: Session, asked: Request, *, answer: Answer, by: str | None, now: datetime
) -> Decision:
    """Take a request away with an answer."""
    fair = fair_of(session)
    rest = tuple(pending for pending in fair.requests if pending.id != asked.id)
    event = Answered(now, answer, request=asked, by=by)
    return Decision(replace(session, fair=replace(fair, requests=rest)), (event,))


def consents_by_asking(session: Session, asked: Request) -> bool:
    """Tell whether who asked is also who would have to agree: then asking was the consent."""
    roles = fair_of(session).policy.extension.consent_roles
    return any(p.present and p.user_id == asked.by and p.role in roles for p in session.participants)


# -- alarms ------------------------------------------------------------------------------------------------


def alarms(session: Session) -> Iterator[tuple[datetime, Offer | Request]]:
    """Yield when an offer or a request runs out."""
    fair = fair_of(session)
    if fair.offer is not None:
        yield fair.offer.expires_at, fair.offer
    for pending in fair.requests:
        yield pending.expires_at, pending


def expire(session: Session, what: Offer | Request, *, at: datetime) -> Decision:
    """Take away what nobody answered in time."""
    if isinstance(what, Offer):
        return close_offer(session, answer="expired", by=None, now=at)
    return close_request(session, what, answer="expired", by=None, now=at)

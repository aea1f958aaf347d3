"""The end of a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from . import pausing
from .decision import Decision, fair_of
from .events import Answered, Ended, Left
from .session import ENDED_BY_USER, MAX_DURATION_REACHED, MAX_WALL_REACHED, NO_SHOW, OVERTIME_USED_UP, Session

_ENDS_CALL = frozenset({MAX_DURATION_REACHED, ENDED_BY_USER, OVERTIME_USED_UP, MAX_WALL_REACHED, NO_SHOW})


def end(session: Session, *, at: datetime, reason: str) -> Decision:
    """End the session at `at`. Nobody's stay reaches beyond it, and none ends before it began.

    A pause that lasts ends with it, and nobody can answer an offer or a request any more.
    """
    decision = Decision(session) if session.fair is None else _close(session, at=at)
    closed = tuple(
        replace(
            p,
            left_at=max(p.joined_at or p.accepted_at, min(at, p.lost_at or at)),
            join_expires_at=None,
            lost_at=None,
            grace_ends_at=None,
        )
        for p in session.participants
    )
    # Of all others the end itself tells; these were gone before it.
    lost = {p.id for p in session.participants if p.lost_at is not None and p.joined_at is not None}
    gone = tuple(Left(p) for p in closed if p.id in lost)
    over = replace(decision.session, ended_at=at, ended_reason=reason, participants=(), empty_since=None)
    return decision.then(Decision(over, (*gone, Ended(at, reason, reason in _ENDS_CALL)), closed))


def _close(session: Session, *, at: datetime) -> Decision:
    decision = Decision(session)
    if fair_of(session).pause is not None:
        decision = pausing.resume(session, at=at, cause=pausing.ENDED)
    fair = fair_of(decision.session)
    asked = [Answered(at, "expired", request=request) for request in fair.requests]
    offered = [Answered(at, "expired", offer=fair.offer)] if fair.offer else []
    quiet = replace(fair, offer=None, requests=())
    return decision.then(Decision(replace(decision.session, fair=quiet), (*offered, *asked)))

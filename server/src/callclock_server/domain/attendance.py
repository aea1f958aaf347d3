"""What comings and goings mean for the clock: starts, pauses, ends of pauses, void sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from . import pausing, starting
from .decision import Decision
from .ending import end
from .events import Left, WaitingChanged
from .session import NEVER_CONNECTED, Participant, Session


def observe(session: Session, *, at: datetime, left: Mapping[str, datetime] | None = None) -> Decision:
    """Bring the clock in line with who is there; `left` names roles of which somebody has gone, and when.

    A plain session is returned as it is.
    """
    fair = session.fair
    if fair is None or not session.running:
        return Decision(session)
    gone = dict(fair.role_left_at)
    for role, moment in (left or {}).items():
        if role in fair.policy.pause_when_absent:
            gone[role] = max(moment, gone.get(role, moment))
    seen = {*fair.seen_roles, *(p.role for p in session.participants if p.present)}
    fair = replace(fair, seen_roles=tuple(sorted(seen)), role_left_at=tuple(sorted(gone.items())))
    fair = pausing.absences(session, fair, at=at)
    decision = Decision(session if fair == session.fair else replace(session, fair=fair))
    decision = decision.then(pausing.resume_if_back(decision.session, at=at))
    return decision.then(starting.start_if_due(decision.session, at=at))


def depart(session: Session, participant: Participant, *, left_at: datetime, now: datetime) -> Decision:
    """Close one participant's stay. A join that never arrived is undone; the last such voids the session."""
    gone = replace(participant, left_at=left_at, join_expires_at=None, lost_at=None, grace_ends_at=None)
    rest = tuple(p for p in session.participants if p.id != participant.id)
    session = replace(session, participants=rest, empty_since=None if rest else now)
    if gone.joined_at is not None:
        decision = Decision(session, (Left(gone),), (gone,))
        decision = decision.then(observe(session, at=now, left={gone.role: left_at}))
    else:
        told = () if gone.waiting_since is None else (WaitingChanged(),)
        decision = Decision(session, told, (gone,))
    if not rest and session.reached_at is None and not _opened_by_schedule(session):
        return decision.then(end(decision.session, at=now, reason=NEVER_CONNECTED))
    return decision


def _opened_by_schedule(session: Session) -> bool:
    """Tell whether the session exists whether or not somebody reaches it."""
    fair = session.fair
    return fair is not None and fair.policy.opens_by_itself and fair.scheduled_at is not None

"""Who is there: joins, arrivals, departures, lost connections (design rules 1 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .clock import Decision, depart
from .events import Joined, SessionEvent
from .session import Participant, Session

_Change = Callable[[Participant], Participant]


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted join: the participant, and the events it brought."""

    session: Session
    participant: Participant
    events: tuple[SessionEvent, ...]


def find(session: Session, *, user_id: str, device_id: str) -> Participant | None:
    """Return the open participant of this device, if there is one."""
    slots = (p for p in session.participants if p.user_id == user_id and p.device_id == device_id)
    return next(slots, None)


def accept(
    session: Session,
    *,
    participant_id: str,
    user_id: str,
    role: str,
    device_id: str,
    connection_id: str | None,
    now: datetime,
    node_id: str | None = None,
) -> Accepted:
    """Accept a join. The same device again takes its old place, with a new connection (design rule 5).

    With engine `none` the participant has arrived at once; with a media room it must get there within
    `join_timeout_seconds` (design rule 1).
    """
    old = find(session, user_id=user_id, device_id=device_id)
    direct = session.engine == "none"
    base = old or Participant(
        id=participant_id,
        session_id=session.id,
        user_id=user_id,
        role=role,
        device_id=device_id,
        accepted_at=now,
    )
    waiting = base.joined_at is None and not direct
    participant = replace(
        base,
        role=role,
        connection_id=connection_id if direct else None,
        # A connection that has moved since it got its id is known to be elsewhere.
        node_id=base.node_id if base.connection_id == connection_id and base.node_id else node_id,
        lost_at=None,
        grace_ends_at=None,
        join_expires_at=now + timedelta(seconds=session.join_timeout_seconds) if waiting else None,
    )
    session = replace(_with(session, participant), empty_since=None)
    if not direct:
        return Accepted(session, participant, ())
    session, events = arrive(session, participant, now=now)
    arrived = next(p for p in session.participants if p.id == participant.id)
    return Accepted(session, arrived, events)


def arrive(
    session: Session, participant: Participant, *, now: datetime, sid: str | None = None
) -> tuple[Session, tuple[SessionEvent, ...]]:
    """Note that an accepted participant has reached the session. A second arrival only renews `sid`."""
    first = participant.joined_at is None
    arrived = replace(
        participant,
        joined_at=participant.joined_at or now,
        join_expires_at=None,
        media_sid=sid or participant.media_sid,
    )
    session = replace(_with(session, arrived), reached_at=session.reached_at or now, empty_since=None)
    return session, (Joined(arrived),) if first else ()


def leave(session: Session, participants: tuple[Participant, ...], *, now: datetime) -> Decision:
    """Let participants go at `now`. An empty session goes on until its deadline or its empty timeout."""
    decision = Decision(session)
    for participant in participants:
        decision = decision.then(depart(decision.session, participant, left_at=now, now=now))
    return decision


def lose(session: Session, connection_id: str, *, grace_seconds: int, now: datetime) -> Session:
    """Start the grace of everybody whose presence hangs on this connection; no effect the second time."""
    ends_at = now + timedelta(seconds=grace_seconds)
    return _map(
        session,
        lambda p: (
            replace(p, lost_at=now, grace_ends_at=ends_at)
            if p.connection_id == connection_id and p.lost_at is None
            else p
        ),
    )


def resume(session: Session, connection_id: str, *, node_id: str) -> Session:
    """Forgive a lost connection that came back within its grace, to this node."""
    return _map(
        session,
        lambda p: (
            replace(p, lost_at=None, grace_ends_at=None, node_id=node_id)
            if p.connection_id == connection_id
            else p
        ),
    )


def _map(session: Session, change: _Change) -> Session:
    return replace(session, participants=tuple(change(p) for p in session.participants))


def _with(session: Session, participant: Participant) -> Session:
    others = session.participants
    if any(p.id == participant.id for p in others):
        return _map(session, lambda p: participant if p.id == participant.id else p)
    return replace(session, participants=(*others, participant))

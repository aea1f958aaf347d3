"""Who is there: joins, arrivals, departures, lost connections (design rules 1 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .attendance import depart, observe
from .decision import Decision
from .events import Joined, Left, SessionEvent, WaitingChanged
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
    wait: bool = False,
) -> Accepted:
    """Accept a join. The same device again takes its old place, with a new connection (design rule 5).

    With engine `none` the participant has arrived at once; with a media room it must get there within
    `join_timeout_seconds` (design rule 1). With `wait` it comes into the waiting room; somebody who is in the
    session already stays there.
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
    if wait and (old is None or old.waiting_since is not None):
        base = replace(base, node_id=_node_of(base, connection_id, node_id))
        return _wait(session, base, role=role, connection_id=connection_id, now=now)
    pending = base.joined_at is None and not direct
    participant = replace(
        base,
        role=role,
        connection_id=connection_id if direct else None,
        node_id=_node_of(base, connection_id, node_id),
        lost_at=None,
        grace_ends_at=None,
        join_expires_at=now + timedelta(seconds=session.join_timeout_seconds) if pending else None,
        waiting_since=None,
    )
    session = replace(_with(session, participant), empty_since=None)
    told: tuple[SessionEvent, ...] = (WaitingChanged(),) if base.waiting_since is not None else ()
    if not direct:
        seen = observe(session, at=now)
        return Accepted(seen.session, participant, (*told, *seen.events))
    session, events = arrive(session, participant, now=now)
    arrived = next(p for p in session.participants if p.id == participant.id)
    return Accepted(session, arrived, (*told, *events))


def _node_of(participant: Participant, connection_id: str | None, node_id: str | None) -> str | None:
    """Return the node of the connection; one that has moved since it got its id is known to be elsewhere."""
    moved = participant.connection_id == connection_id and participant.node_id
    return participant.node_id if moved else node_id


def _wait(
    session: Session, base: Participant, *, role: str, connection_id: str | None, now: datetime
) -> Accepted:
    """Put somebody into the waiting room; with a connection they are there while it lives."""
    first = base.waiting_since is None
    waiting = replace(
        base,
        role=role,
        connection_id=connection_id,
        lost_at=None,
        grace_ends_at=None,
        waiting_since=base.waiting_since or now,
    )
    session = replace(_with(session, waiting), empty_since=None)
    return Accepted(session, waiting, (WaitingChanged(),) if first else ())


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
    seen = observe(session, at=now)
    return seen.session, ((Joined(arrived), *seen.events) if first else seen.events)


def change_role(
    session: Session, *, user_id: str, role: str, new_id: Callable[[], str], now: datetime
) -> Decision:
    """Give a user another role in the session, on all devices.

    On a clock with policies the stay with the old role ends and one with the new role begins at the same
    moment, so that the record tells who was there in which role.
    """
    theirs = tuple(p for p in session.participants if p.user_id == user_id and p.role != role)
    if session.fair is None or not theirs:
        return Decision(
            _map(session, lambda p: replace(p, role=role) if p.user_id == user_id else p)
            if theirs
            else session
        )
    ended = tuple(replace(p, left_at=now, join_expires_at=None, grace_ends_at=None) for p in theirs)
    begun = tuple(
        replace(p, id=new_id(), role=role, accepted_at=now, joined_at=now if p.joined_at else None)
        for p in theirs
    )
    rest = tuple(p for p in session.participants if p not in theirs)
    events: list[SessionEvent] = [Left(p) for p in ended if p.joined_at is not None]
    events += [Joined(p) for p in begun if p.joined_at is not None]
    decision = Decision(replace(session, participants=(*rest, *begun)), tuple(events), ended)
    return decision.then(observe(decision.session, at=now, left={p.role: now for p in theirs}))


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

"""What a rule decided: the session that follows, what happened, and the rows of the ledger it made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .events import ClockChanged, SessionEvent
from .fair import Fair
from .session import Change, ChangeKind, Participant, Session


@dataclass(frozen=True, slots=True)
class Decision:
    """A session after a rule was applied, what happened, and the participants who are closed by it."""

    session: Session
    events: tuple[SessionEvent, ...] = ()
    closed: tuple[Participant, ...] = ()

    def then(self, later: Decision) -> Decision:
        """Return this decision followed by `later`."""
        return Decision(later.session, self.events + later.events, self.closed + later.closed)


def fair_of(session: Session) -> Fair:
    """Return the clock's state of a session that has one."""
    assert session.fair is not None
    return session.fair


def noted(
    session: Session,
    fair: Fair,
    how: ChangeKind,
    *,
    at: datetime,
    by: str | None = None,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> Decision:
    """Give the session the state `fair` and note that in its ledger.

    The row's id counts within the session: the same row cannot be written twice.
    """
    changed = replace(session, fair=replace(fair, changes=fair.changes + 1))
    change = Change(
        id=f"{session.id}-{fair.changes + 1}",
        session_id=session.id,
        how=how,
        by=by,
        at=at,
        old_ends_at=session.timer_ends_at,
        new_ends_at=changed.timer_ends_at,
        seconds=0,
        reason=reason,
        details=details,
    )
    return Decision(changed, (ClockChanged(change),))

"""What stands in the database now, as the media rooms and the operator want to know it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .database import Transaction
from .tables import outbox, participants, sessions

_RUNNING = sessions.c.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts for the metrics; `oldest_overdue_seconds` is 0 when nothing is overdue."""

    armed_sessions: int
    due_sessions: int
    oldest_overdue_seconds: float
    outbox_rows: int


@dataclass(frozen=True, slots=True)
class Owned:
    """Which sessions' rooms a media cluster has: those that name it; with None, those that name no other."""

    name: str | None
    others: tuple[str, ...] = ()

    def clause(self) -> sa.ColumnElement[bool]:
        """The condition on `sessions`."""
        column = sessions.c.media_cluster
        if self.name is not None:
            return column == self.name
        return sa.or_(column.is_(None), column.not_in(self.others))


async def present_in_rooms(tx: Transaction, owned: Owned) -> dict[str, int]:
    """Rooms that must exist on a media cluster, those of its running sessions, and how many are in each."""
    here = sa.and_(participants.c.joined_at.is_not(None), participants.c.left_at.is_(None))
    joined = sessions.outerjoin(participants, sa.and_(participants.c.session_id == sessions.c.id, here))
    counted = (
        sa.select(sessions.c.id, sa.func.count(participants.c.id).label("present"))
        .select_from(joined)
        .where(_RUNNING, sessions.c.engine == "livekit", owned.clause())
        .group_by(sessions.c.id)
    )
    return {row.id: int(row.present) for row in await tx.all(counted)}


async def measure(tx: Transaction) -> Standing:
    """Count armed and due sessions and unconfirmed effects."""
    now = tx.now()
    armed = await tx.scalar(sa.select(sa.func.count()).where(_RUNNING, sessions.c.timer_ends_at.is_not(None)))
    overdue = (_RUNNING, sessions.c.next_alarm_at <= now)
    due = await tx.scalar(sa.select(sa.func.count()).select_from(sessions).where(*overdue))
    oldest = await tx.scalar(
        sa.select(sessions.c.next_alarm_at).where(*overdue).order_by(sessions.c.next_alarm_at).limit(1)
    )
    rows = await tx.scalar(sa.select(sa.func.count()).select_from(outbox))
    late = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
    return Standing(int(armed), int(due), late, int(rows))

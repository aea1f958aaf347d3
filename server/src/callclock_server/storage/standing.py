"""What stands in the database now, as the media rooms and the operator want to know it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .database import Transaction
from .tables import outbox, sessions

_RUNNING = sessions.c.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts for the metrics; `oldest_overdue_seconds` is 0 when nothing is overdue."""

    armed_sessions: int
    due_sessions: int
    oldest_overdue_seconds: float
    outbox_rows: int


async def running_rooms(tx: Transaction) -> list[str]:
    """Names of the rooms of running sessions: each must exist in the media engine."""
    rows = await tx.all(sa.select(sessions.c.id).where(_RUNNING, sessions.c.engine == "livekit"))
    return [row.id for row in rows]


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

"""The clock as everybody in a media room can read it: JSON in the room's metadata.

    {"cid", "session_id", "state", "started_at", "timer_ends_at", "ended_at"}

`state` is that of the session's clock; times are RFC 3339 or null. Any LiveKit SDK shows it, in any language.
"""

from __future__ import annotations

from datetime import datetime

import orjson

from callclock_server.domain.session import Session
from callclock_server.storage import sessions
from callclock_server.storage.database import Transaction

from .views import session_view


def room_metadata(session: Session, *, now: datetime) -> str:
    """Return the metadata of a session's room. It changes only when the clock is changed, not as it runs."""
    view = session_view(session, {}, now=now)
    told = {
        "cid": session.cid,
        "session_id": session.id,
        "state": view["clock"]["state"],
        "started_at": view["started_at"],
        "timer_ends_at": view["timer_ends_at"],
        "ended_at": view["ended_at"],
    }
    return orjson.dumps(told).decode()


async def describe_room(tx: Transaction, room: str) -> str | None:
    """Return the present metadata of a room, or None when no running session owns it."""
    session = await sessions.get(tx, room)
    return room_metadata(session, now=tx.now()) if session is not None and session.running else None

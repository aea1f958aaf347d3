"""Sessions: the rows that are the timers (design rule 10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from callclock_server.domain import fair
from callclock_server.domain.clock import next_alarm_at
from callclock_server.domain.session import NEVER_CONNECTED, Participant, Session

from . import dialect, participants
from .bulk import Bulk, Part, run_together
from .database import Transaction
from .query import Query
from .tables import calls, nodes, openings, sessions
from .tables import participants as participants_table

CHANGING = (
    "max_duration_seconds",
    "timer_ends_at",
    "next_alarm_at",
    "warning_seconds",
    "empty_timeout_seconds",
    "join_timeout_seconds",
    "warned_seconds",
    "reached_at",
    "empty_since",
    "ended_at",
    "ended_reason",
    "fair",
)
_UPDATE = Bulk(sessions, CHANGING, key="id")
_INSERT = Bulk(sessions, tuple(column.name for column in sessions.c if column.name != "call_deleted_at"))
_IDS_AT_ONCE = 500
_RUNNING = sessions.c.ended_at.is_(None)
_IS_DUE = sessions.c.next_alarm_at <= sa.bindparam("now")
_DUE = (
    sa.select(calls.c.cid)
    .select_from(sessions.join(calls, calls.c.cid == sessions.c.cid))
    .where(_RUNNING, _IS_DUE)
    .order_by(sessions.c.next_alarm_at)
    .limit(sa.bindparam("limit"))
)
_CLAIM = dialect.lock_calls(_DUE, skip_locked=True)
_CLAIM_ONE = dialect.lock_calls(_DUE.where(calls.c.cid == sa.bindparam("cid")), skip_locked=True)
_RUNNING_OF = Query(lambda among: sa.select(sessions).where(among(sessions.c.cid, "cids"), _RUNNING))
_EARLIEST_OF_SESSIONS = (
    sa.select(sessions.c.next_alarm_at.label("at"))
    .where(_RUNNING, sessions.c.next_alarm_at.is_not(None))
    .order_by(sessions.c.next_alarm_at)
    .limit(1)
    .subquery()
)
_EARLIEST_OPENING = (
    sa.select(openings.c.opens_at.label("at")).order_by(openings.c.opens_at).limit(1).subquery()
)
_BOTH = sa.union_all(sa.select(_EARLIEST_OF_SESSIONS.c.at), sa.select(_EARLIEST_OPENING.c.at)).subquery()
_EARLIEST = sa.select(sa.func.min(_BOTH.c.at))


def to_row(session: Session) -> dict[str, Any]:
    """Return the row of a session, with what is derived for queries: the deadline and the next alarm."""
    return {
        "id": session.id,
        "cid": session.cid,
        "engine": session.engine,
        "started_at": session.started_at,
        "max_duration_seconds": session.max_duration_seconds,
        "timer_ends_at": session.timer_ends_at,
        "next_alarm_at": next_alarm_at(session),
        "warning_seconds": list(session.warning_seconds),
        "empty_timeout_seconds": session.empty_timeout_seconds,
        "join_timeout_seconds": session.join_timeout_seconds,
        "warned_seconds": session.warned_seconds,
        "reached_at": session.reached_at,
        "empty_since": session.empty_since,
        "ended_at": session.ended_at,
        "ended_reason": session.ended_reason,
        "media_cluster": session.media_cluster,
        "fair": None if session.fair is None else fair.to_json(session.fair),
    }


def from_row(row: Any, present: Sequence[Participant] = ()) -> Session:
    """Return the session of a row and its open participants."""
    return Session(
        id=row.id,
        cid=row.cid,
        engine=row.engine,
        started_at=row.started_at,
        max_duration_seconds=row.max_duration_seconds,
        warning_seconds=tuple(row.warning_seconds),
        empty_timeout_seconds=row.empty_timeout_seconds,
        join_timeout_seconds=row.join_timeout_seconds,
        warned_seconds=row.warned_seconds,
        reached_at=row.reached_at,
        empty_since=row.empty_since,
        ended_at=row.ended_at,
        ended_reason=row.ended_reason,
        media_cluster=row.media_cluster,
        participants=tuple(present),
        fair=None if row.fair is None else fair.from_json(row.fair),
    )


async def insert(tx: Transaction, session: Session) -> None:
    """Insert a session that starts."""
    await run_together(tx, [insertion(tx, [session])])


async def update(tx: Transaction, changed: Sequence[Session]) -> None:
    """Write what may change of these sessions."""
    await run_together(tx, [change(tx, changed)])


def insertion(tx: Transaction, started: Sequence[Session]) -> Part:
    """Return what inserts sessions that start; those who sleep learn of the nearest new alarm."""
    return _INSERT, _rows(tx, started)


def change(tx: Transaction, changed: Sequence[Session]) -> Part:
    """Return what writes what may change of sessions; those who sleep learn of the nearest new alarm."""
    return _UPDATE, _rows(tx, changed)


def _rows(tx: Transaction, written: Sequence[Session]) -> list[dict[str, Any]]:
    rows = [to_row(session) for session in written]
    for row in rows:
        tx.hint.alarm(row["next_alarm_at"])
    return rows


async def _with_open(tx: Transaction, rows: Sequence[Any]) -> list[Session]:
    present = await participants.open_of(tx, [row.id for row in rows])
    return [from_row(row, present.get(row.id, ())) for row in rows]


async def claim_due(tx: Transaction, *, now: datetime, limit: int) -> list[str]:
    """Lock up to `limit` calls whose session's alarm has come, the earliest first; return their cids.

    Calls that somebody else has locked are passed over: whoever has them settles what is due. A call may have
    been settled in the moment before it was locked, so look at the session again.
    """
    rows = await tx.all(_CLAIM, {"now": now, "limit": limit})
    tx.lock_taken()
    return [row.cid for row in rows]


async def claim_one(tx: Transaction, *, cid: str, now: datetime) -> list[str]:
    """Lock one call if its session's alarm has come and nobody else has it."""
    rows = await tx.all(_CLAIM_ONE, {"now": now, "limit": 1, "cid": cid})
    tx.lock_taken()
    return [row.cid for row in rows]


async def due_cids(tx: Transaction, *, now: datetime, limit: int) -> list[str]:
    """Return the calls whose session is due, reading nothing more of it: it may be unreadable."""
    return [row.cid for row in await tx.all(_DUE, {"now": now, "limit": limit})]


async def earliest_alarm(tx: Transaction) -> datetime | None:
    """Return the earliest alarm of all running sessions, and of calls that open by themselves."""
    moment: datetime | None = await tx.scalar(_EARLIEST)
    return moment


async def postpone(tx: Transaction, *, cid: str, until: datetime) -> None:
    """Let the sweeper leave a call alone until then: its settlement failed. The deadline stays."""
    await tx.execute(sessions.update().where(sessions.c.cid == cid, _RUNNING).values(next_alarm_at=until))
    tx.hint.alarm(until)


async def set_cluster(tx: Transaction, *, session_id: str, cluster: str) -> None:
    """Pin a session to a media cluster; set once at its start otherwise."""
    await tx.execute(sessions.update().where(sessions.c.id == session_id).values(media_cluster=cluster))


async def running_of(tx: Transaction, cids: Collection[str]) -> dict[str, Session]:
    """Return the running session of each of these calls that has one."""
    if not cids:
        return {}
    rows = [SimpleNamespace(**row) for row in await _RUNNING_OF.all(tx, cids=list(cids))]
    return {session.cid: session for session in await _with_open(tx, rows)}


async def held_after(tx: Transaction, *, cid: str, moment: datetime) -> bool:
    """Tell whether a session of the call still ran at `moment`, or began later; void ones do not count."""
    ran = sa.or_(_RUNNING, sessions.c.ended_at > moment)
    counts = sa.or_(sessions.c.ended_reason.is_(None), sessions.c.ended_reason != NEVER_CONNECTED)
    return bool(await tx.scalar(sa.select(sa.exists().where(sessions.c.cid == cid, ran, counts))))


async def outlive(tx: Transaction, *, cid: str, at: datetime) -> None:
    """Note that the call of these sessions is deleted: they stay, for those who keep the books."""
    kept = sessions.update().where(sessions.c.cid == cid, sessions.c.call_deleted_at.is_(None))
    await tx.execute(kept.values(call_deleted_at=at))


async def have_outlived(tx: Transaction, cid: str) -> bool:
    """Return whether there are sessions of a deleted call of this name."""
    found = sa.select(sessions.c.id).where(sessions.c.cid == cid, sessions.c.call_deleted_at.is_not(None))
    return await tx.first(found.limit(1)) is not None


async def get(tx: Transaction, session_id: str) -> Session | None:
    """Return a session, running or ended."""
    rows = await tx.all(sa.select(sessions).where(sessions.c.id == session_id))
    return (await _with_open(tx, rows))[0] if rows else None


def _of_call(cid: str, *, outlived: bool) -> sa.Select[Any]:
    """Sessions of a call; with `outlived`, also those of deleted calls of the same name."""
    select = sa.select(sessions).where(sessions.c.cid == cid)
    return select if outlived else select.where(sessions.c.call_deleted_at.is_(None))


async def find(tx: Transaction, session_id: str, *, cid: str, outlived: bool) -> Session | None:
    """Return a session if it is the call's; with `outlived`, also a deleted call's of the same name."""
    rows = await tx.all(_of_call(cid, outlived=outlived).where(sessions.c.id == session_id))
    return (await _with_open(tx, rows))[0] if rows else None


async def known(tx: Transaction, ids: Collection[str]) -> list[str]:
    """Return which of these are sessions, running or ended."""
    wanted, found = sorted(ids), []
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        part = wanted[start : start + _IDS_AT_ONCE]
        found += [row.id for row in await tx.all(sa.select(sessions.c.id).where(sessions.c.id.in_(part)))]
    return found


async def page(
    tx: Transaction,
    *,
    cid: str,
    limit: int,
    before: tuple[datetime, str] | None = None,
    outlived: bool = False,
) -> list[Session]:
    """Return up to `limit` sessions of a call, the newest first, from `before` (start, id) on."""
    key = sa.tuple_(sessions.c.started_at, sessions.c.id)
    select = _of_call(cid, outlived=outlived)
    if before is not None:
        started_at = sa.literal(before[0], sessions.c.started_at.type)
        select = select.where(key < sa.tuple_(started_at, sa.literal(before[1])))
    rows = await tx.all(select.order_by(sessions.c.started_at.desc(), sessions.c.id.desc()).limit(limit))
    return await _with_open(tx, rows)


async def cids_running_of_type(tx: Transaction, call_type: str) -> list[str]:
    """Return the calls of a type that have a running session."""
    joined = sessions.join(calls, calls.c.cid == sessions.c.cid)
    return [
        row.cid
        for row in await tx.all(
            sa.select(calls.c.cid).select_from(joined).where(_RUNNING, calls.c.type == call_type)
        )
    ]


async def cids_with_user(tx: Transaction, user_id: str) -> list[str]:
    """Return the calls in whose running session this user is."""
    theirs = (
        sa.select(sessions.c.cid)
        .select_from(sessions.join(participants_table, participants_table.c.session_id == sessions.c.id))
        .where(_RUNNING, participants_table.c.left_at.is_(None), participants_table.c.user_id == user_id)
        .distinct()
    )
    return [row.cid for row in await tx.all(theirs)]


async def cids_with_connection(tx: Transaction, connection_id: str | None) -> list[str]:
    """Return the calls where somebody's presence hangs on this connection (None: on any connection)."""
    column = participants_table.c.connection_id
    hangs = column.is_not(None) if connection_id is None else column == connection_id
    theirs = (
        sa.select(sessions.c.cid)
        .select_from(participants_table.join(sessions, participants_table.c.session_id == sessions.c.id))
        .where(_RUNNING, participants_table.c.left_at.is_(None), hangs)
        .distinct()
    )
    return [row.cid for row in await tx.all(theirs)]


async def cids_without_node(tx: Transaction, *, limit: int) -> list[str]:
    """Return up to `limit` calls where presence hangs on an event stream of a node that is gone, and does so
    as if nothing had happened."""
    columns = participants_table.c
    theirs = (
        sa.select(sessions.c.cid)
        .select_from(participants_table.join(sessions, columns.session_id == sessions.c.id))
        .where(
            _RUNNING,
            columns.left_at.is_(None),
            columns.connection_id.is_not(None),
            columns.lost_at.is_(None),
            columns.node_id.not_in(sa.select(nodes.c.id)),
        )
        .distinct()
        .limit(limit)
    )
    return [row.cid for row in await tx.all(theirs)]

"""Fills the tables with running sessions, and gives them their deadlines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import sqlalchemy as sa
from callclock_server.calls import call_types, users
from callclock_server.domain.call import Call
from callclock_server.domain.clock import start_session
from callclock_server.domain.permissions import SERVER
from callclock_server.domain.presence import accept
from callclock_server.domain.session import Session
from callclock_server.domain.settings import DEFAULTS
from callclock_server.storage import calls, participants, sessions, tables
from callclock_server.storage.database import Database

PEOPLE = ("ann", "ben")
AT_ONCE = 50_000


async def prepare(database: Database) -> None:
    """Create the people and the type of the calls."""
    async with database.write() as tx:
        people = {name: {"id": name, "name": name.title()} for name in PEOPLE}
        await users.upsert_users(tx, SERVER, users=people)
        await call_types.create_call_type(
            tx,
            SERVER,
            name="bench",
            grants={"user": ["join-call", "send-audio", "send-video"]},
            settings={"media": {"engine": "none"}, "limits": {"max_duration_seconds": 3600}},
            members_only=False,
        )


async def arm(
    database: Database,
    raw: asyncpg.Connection[Any],
    prefix: str,
    *,
    count: int,
    deadline: datetime,
    people: bool = True,
) -> None:
    """Insert `count` calls, `bench:PREFIX-0` and so on, with a running session each, due at `deadline`.

    The first is written by the server's own code; the others are copies of its rows with other ids.
    """
    async with database.write() as tx:
        session = armed_session(f"{prefix}-0", deadline=deadline, people=people)
        call = Call(
            cid=session.cid,
            type="bench",
            id=f"{prefix}-0",
            created_by_id="ann",
            created_at=session.started_at,
            updated_at=session.started_at,
            last_session_id=session.id,
        )
        await calls.insert(tx, call)
        await sessions.insert(tx, session)
        await participants.insert(tx, session.participants)
    for begin in range(1, count, AT_ONCE):
        numbers = f"generate_series({begin}, {min(begin + AT_ONCE, count) - 1}) AS n"
        for statement in copies(prefix, numbers, people=people):
            await raw.execute(statement)


def copies(prefix: str, numbers: str, *, people: bool) -> list[str]:
    """Return the statements that copy the rows of call number 0 under other numbers."""
    cid, session_id = f"'bench:{prefix}-' || n", f"'ses_{prefix}-' || n"
    one = f"one.cid = 'bench:{prefix}-0'"
    called = {"cid": cid, "id": f"'{prefix}-' || n", "last_session_id": session_id}
    statements = [
        _copy(tables.calls, numbers, one, **called),
        _copy(tables.sessions, numbers, one, cid=cid, id=session_id),
    ]
    if people:
        theirs = f"one.session_id = 'ses_{prefix}-0'"
        id_ = f"'par_{prefix}-' || n || one.user_id"
        statements.append(_copy(tables.participants, numbers, theirs, id=id_, session_id=session_id))
    return statements


def _copy(table: sa.Table, numbers: str, where: str, **values: str) -> str:
    names = [column.name for column in table.c]
    chosen = ", ".join(values.get(name, f"one.{name}") for name in names)
    source = f"SELECT {chosen} FROM {table.name} one, {numbers} WHERE {where}"
    return f"INSERT INTO {table.name} ({', '.join(names)}) {source}"


def armed_session(call_id: str, *, deadline: datetime, people: bool) -> Session:
    """Return a session of an hour that reaches its deadline then."""
    now = deadline - timedelta(hours=1)
    limits = {**DEFAULTS["limits"], "max_duration_seconds": 3600, "warning_seconds": []}
    session, _ = start_session(
        id=f"ses_{call_id}",
        cid=f"bench:{call_id}",
        change_id=f"chg_{call_id}",
        limits=limits,
        engine="none",
        by=None,
        now=now,
    )
    for user_id in PEOPLE if people else ():
        session = accept(
            session,
            participant_id=f"par_{call_id}{user_id}",
            user_id=user_id,
            role="user",
            device_id="default",
            connection_id=None,
            now=datetime.now(UTC) - timedelta(minutes=30),
        ).session
    return session


async def schedule(
    connection: asyncpg.Connection[Any], prefix: str, *, ends: int, deadline: datetime
) -> None:
    """Give the armed sessions of a prefix one deadline, as if they had begun an hour before it."""
    at = round(deadline.timestamp() * 1_000_000)
    await connection.execute(
        "UPDATE sessions SET started_at = $1::bigint - 3600000000, timer_ends_at = $1, next_alarm_at = $1 "
        f"WHERE cid IN (SELECT $2::text || n FROM generate_series(0, {ends - 1}) n)",
        at,
        f"bench:{prefix}-",
    )


async def check(connection: asyncpg.Connection[Any], prefix: str, *, deadline: datetime) -> list[str]:
    """Return what is wrong with the records of ended sessions; nothing, if all is well."""
    at = round(deadline.timestamp() * 1_000_000)
    like = f"bench:{prefix}-"
    faults = {
        "sessions that did not end at their deadline": "SELECT count(*) FROM sessions "
        "WHERE starts_with(cid, $1) "
        "AND (ended_at IS DISTINCT FROM $2 OR ended_reason IS DISTINCT FROM 'max_duration_reached')",
        "calls that did not end at their deadline": "SELECT count(*) FROM calls WHERE starts_with(cid, $1) "
        "AND (ended_at IS DISTINCT FROM $2 OR last_event_id <> 2)",
        "people who did not leave at the deadline": "SELECT count(*) FROM participants p JOIN sessions s "
        "ON s.id = p.session_id WHERE starts_with(s.cid, $1) AND p.left_at IS DISTINCT FROM $2",
    }
    found = []
    for what, query in faults.items():
        wrong = await connection.fetchval(query, like, at)
        if wrong:
            found.append(f"{wrong} {what}")
    told = await connection.fetchval(
        "SELECT count(*) FROM (SELECT cid FROM events WHERE starts_with(cid, $1) GROUP BY cid "
        "HAVING array_agg(type ORDER BY id) <> ARRAY['call.ended', 'call.session_ended']) AS wrong",
        like,
    )
    if told:
        found.append(f"{told} calls whose log is not call.ended, call.session_ended")
    return found

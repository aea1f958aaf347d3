"""What is to be done at the instant, for whoever schedules it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import psycopg
import redis

WATCHERS = ("watcher-1", "watcher-2")
KINDS = ("call.ended", "call.session_ended")
# As long as Callclock's events, which carry the state of the call.
PAYLOAD = json.dumps({"call": {"settings": "s" * 1300}})

SCHEMA = """
DROP TABLE IF EXISTS peer_events, peer_sessions;
CREATE TABLE peer_sessions (
    id text PRIMARY KEY, cid text NOT NULL, ends_at timestamptz NOT NULL,
    ended_at timestamptz, ended_reason text
);
CREATE TABLE peer_events (
    position bigserial PRIMARY KEY, cid text NOT NULL, id bigint NOT NULL, type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(), payload text NOT NULL, UNIQUE (cid, id)
);
"""
_END = (
    "UPDATE peer_sessions SET ended_at = ends_at, ended_reason = 'max_duration_reached' "
    "WHERE id = %s AND ended_at IS NULL AND ends_at <= clock_timestamp() RETURNING cid"
)
_TELL = "INSERT INTO peer_events (cid, id, type, payload) VALUES (%s, 1, %s, %s), (%s, 2, %s, %s)"
_NOT_RIGHT = (
    "SELECT count(*) FROM peer_sessions s WHERE ended_at IS DISTINCT FROM ends_at "
    "OR (SELECT count(*) FROM peer_events e WHERE e.cid = s.cid) <> 2"
)


def session_ids(ends: int) -> list[str]:
    """Return the ids of the sessions."""
    return [f"session-{number}" for number in range(ends)]


def prepare(url: str, *, ends: int, deadline: datetime) -> None:
    """Create the tables and the sessions, all due at one instant."""
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA)
        with connection.cursor() as cursor:
            rows = [(id_, f"call:{id_}", deadline) for id_ in session_ids(ends)]
            cursor.executemany("INSERT INTO peer_sessions (id, cid, ends_at) VALUES (%s, %s, %s)", rows)


def wrong(url: str) -> int:
    """Return how many sessions did not end as they should."""
    with psycopg.connect(url) as connection:
        row = connection.execute(_NOT_RIGHT).fetchone()
    assert row is not None
    return int(row[0])


def end(connection: psycopg.Connection[Any], watchers: redis.Redis, session_id: str) -> None:
    """End one session and tell its watchers."""
    with connection.transaction():
        row = connection.execute(_END, [session_id]).fetchone()
        if row is None:
            return
        connection.execute(_TELL, events(row[0]))
    pipe = watchers.pipeline(transaction=False)
    for watcher in WATCHERS:
        pipe.publish(watcher, row[0])
    pipe.execute()


async def end_async(connection: psycopg.AsyncConnection[Any], watchers: Any, session_id: str) -> None:
    """The same for a worker with an event loop."""
    async with connection.transaction():
        row = await (await connection.execute(_END, [session_id])).fetchone()
        if row is None:
            return
        await connection.execute(_TELL, events(row[0]))
    pipe = watchers.pipeline(transaction=False)
    for watcher in WATCHERS:
        pipe.publish(watcher, row[0])
    await pipe.execute()


def events(cid: str) -> list[str]:
    """Return the values of the two event rows."""
    return [value for kind in KINDS for value in (cid, kind, PAYLOAD)]

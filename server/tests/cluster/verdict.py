"""Compares what people heard and were told with what the database holds in the end."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from .clients import Caller, Journal
from .engine import Engine
from .stage import Outage

# The promise: nobody is told later than this after the deadline, or after the end of the outage in its way.
LATE_SECONDS = 1.0
PROMISES_SECONDS = 20.0
PROBE_SECONDS = 0.1
WORK_SECONDS = 0.01
QUERIES = 20
NOTEWORTHY_SECONDS = 0.01
_SESSIONS = """SELECT cid, id, started_at, timer_ends_at, ended_at, ended_reason
               FROM sessions WHERE cid = ANY($1) ORDER BY started_at"""
_EVENTS = "SELECT cid, id, type FROM events WHERE cid = ANY($1) ORDER BY cid, id"
_LEDGER = "SELECT cid, id, seconds, idempotency_key FROM ledger WHERE cid = ANY($1) ORDER BY position"


class Stall:
    """Measures how long this machine keeps waiting what wants to run: nodes and PostgreSQL suffer the same.

    A little work is done all the time, and PostgreSQL is asked for nothing as often as a join asks it, past
    the nodes and the proxies. Whatever either takes beyond its usual time is a stall. `allowance` is half a
    second and three times the longest stall since a moment: an end passes through a node, PostgreSQL and
    another node.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stalls: deque[tuple[float, float]] = deque(maxlen=100_000)
        self._tasks: list[asyncio.Task[None]] = []

    def longest(self, since: float = 0.0) -> float:
        """The longest stall that ended after `since` (monotonic seconds)."""
        return max((length for ended, length in self._stalls if ended >= since), default=0.0)

    def allowance(self, since: float = 0.0) -> float:
        return 0.5 + 3 * self.longest(since)

    async def __aenter__(self) -> Stall:
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._ask())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self, began: float, usual: float) -> None:
        now = time.monotonic()
        if now - began - usual > NOTEWORTHY_SECONDS:
            self._stalls.append((now, now - began - usual))

    async def _work(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(PROBE_SECONDS)
            worked = time.process_time()
            while time.process_time() - worked < WORK_SECONDS:
                pass
            self._note(began, PROBE_SECONDS + WORK_SECONDS)

    async def _ask(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(self._url)
                while True:
                    began = time.monotonic()
                    for _ in range(QUERIES):  # about as many as a join has
                        await connection.execute("SELECT 1")
                    self._note(began, 0.0)
                    await asyncio.sleep(PROBE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(PROBE_SECONDS)  # it is being restarted: that is a fault, and no stall


def excused_until(deadline: float, outages: Iterable[Outage]) -> float:
    """The moment from which lateness counts: the deadline, or the end of the outages that it fell into."""
    moment = deadline
    for outage in sorted(outages, key=lambda one: one.began):
        if outage.began <= moment + LATE_SECONDS and outage.ended > moment:
            moment = outage.ended
    return moment


@dataclass
class Books:
    """What the database says about some calls."""

    sessions: dict[str, list[Any]] = field(default_factory=dict)
    events: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    ledger: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    async def read(cls, url: str, cids: Sequence[str]) -> Books:
        connection = await asyncpg.connect(url)
        try:
            books = cls({cid: [] for cid in cids}, {cid: [] for cid in cids}, {cid: [] for cid in cids})
            for row in await connection.fetch(_SESSIONS, cids):
                books.sessions[row["cid"]].append(row)
            for row in await connection.fetch(_EVENTS, cids):
                books.events[row["cid"]].append((row["id"], row["type"]))
            for row in await connection.fetch(_LEDGER, cids):
                books.ledger[row["cid"]].append(row)
        finally:
            await connection.close()
        return books

    def deadline(self, cid: str) -> float:
        """The deadline of the call's last session (seconds)."""
        return float(self.sessions[cid][-1]["timer_ends_at"]) / 1e6

    def faults(self, journal: Journal) -> list[str]:
        """Whatever is not as promised, in sentences."""
        return [fault for cid in self.sessions for fault in self._of_call(cid, journal)]

    def _of_call(self, cid: str, journal: Journal) -> Iterable[str]:
        if len(self.sessions[cid]) != 1:
            yield f"{cid}: {len(self.sessions[cid])} sessions"
            return
        (session,) = self.sessions[cid]
        if session["ended_at"] != session["timer_ends_at"]:
            yield f"{cid}: ended at {session['ended_at']}, deadline {session['timer_ends_at']}"
        if session["ended_reason"] != "max_duration_reached":
            yield f"{cid}: ended by {session['ended_reason']}"
        ids = [number for number, _ in self.events[cid]]
        if ids != list(range(1, len(ids) + 1)):
            yield f"{cid}: the events are numbered {ids}"
        kinds = [kind for _, kind in self.events[cid]]
        for kind in ("call.ended", "call.session_ended"):
            if kinds.count(kind) != 1:
                yield f"{cid}: {kinds.count(kind)} times {kind}"
        rows = {row["id"]: row["seconds"] for row in self.ledger[cid]}
        if sum(rows.values()) * 1_000_000 != session["timer_ends_at"] - session["started_at"]:
            yield f"{cid}: the ledger says {sum(rows.values())} s"
        for change_id, seconds in journal.changes.get(cid, {}).items():
            if rows.get(change_id) != seconds:
                yield f"{cid}: the acknowledged change {change_id} of {seconds} s is lost"
        keys = [row["idempotency_key"] for row in self.ledger[cid] if row["idempotency_key"]]
        if len(keys) != len(set(keys)):
            yield f"{cid}: a key has changed the deadline twice"


async def promises_left(url: str, engine: Engine) -> list[str]:
    """Effects that are not confirmed, and rooms without a session, after some seconds for them."""
    connection = await asyncpg.connect(url)
    try:
        deadline = time.monotonic() + PROMISES_SECONDS
        while True:
            rows = await connection.fetch("SELECT kind, payload, attempts, last_error FROM outbox")
            running = await connection.fetch("SELECT id FROM sessions WHERE ended_at IS NULL")
            ours = {room for room in engine.rooms() if room.startswith("ses_")}
            rooms = ours - {row["id"] for row in running}
            if not rows and not rooms:
                return []
            if time.monotonic() > deadline:
                return [f"the outbox still has {dict(row)}" for row in rows] + [
                    f"room {room} has outlived its session" for room in rooms
                ]
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def lost_participants(url: str, journal: Journal) -> list[str]:
    """Acknowledged joins that the database does not know."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT id FROM participants WHERE id = ANY($1)", list(journal.participants)
        )
    finally:
        await connection.close()
    return sorted(set(journal.participants) - {row["id"] for row in rows})


async def wrong_records(backend: Caller, books: Books) -> list[str]:
    """Records whose sums are not those of the session."""
    wrong = []
    for cid, (session, *_) in books.sessions.items():
        kind, _, name = cid.partition(":")
        answer = await backend.must("GET", f"/v1/calls/{kind}/{name}/sessions/{session['id']}/record")
        record = answer["record"]
        wall = (session["ended_at"] - session["started_at"]) / 1e6
        if abs(record["wall_seconds"] - wall) > 0.001:
            wrong.append(f"{cid}: the record says {record['wall_seconds']} s instead of {wall} s")
        if len(record["ledger"]) != len(books.ledger[cid]):
            wrong.append(f"{cid}: the record has {len(record['ledger'])} rows of the ledger")
    return wrong

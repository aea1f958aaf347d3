"""Sessions whose deadline is near, on a real database and under the real clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from callclock_server.bus import LocalBus, call_channel, connect
from callclock_server.calls import users
from callclock_server.domain.call import Call
from callclock_server.domain.clock import start_session
from callclock_server.domain.permissions import SERVER
from callclock_server.domain.presence import accept
from callclock_server.domain.settings import DEFAULTS
from callclock_server.storage import calls, participants, sessions, tables
from callclock_server.storage.database import Database, EventRow


class Deadlines:
    """A database with sessions that end soon."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database
        self.bus = LocalBus()
        connect(database, self.bus)

    async def arm(
        self, name: str, *, in_seconds: float, count: int = 1, warnings: tuple[int, ...] = ()
    ) -> list[str]:
        """Insert calls whose running session ends in so many seconds; return their cids."""
        deadline = datetime.now(UTC) + timedelta(seconds=in_seconds)
        async with self.database.write() as tx:
            return [await self._insert(tx, f"{name}-{number}", deadline, warnings) for number in range(count)]

    async def _insert(self, tx: Any, call_id: str, deadline: datetime, warnings: tuple[int, ...]) -> str:
        started_at = deadline - timedelta(hours=1)
        cid = f"default:{call_id}"
        limits = {**DEFAULTS["limits"], "max_duration_seconds": 3600, "warning_seconds": list(warnings)}
        session, _ = start_session(
            id=f"ses_{call_id}",
            cid=cid,
            change_id=f"chg_{call_id}",
            limits=limits,
            engine="none",
            by=None,
            now=started_at,
        )
        session = accept(
            session,
            participant_id=f"par_{call_id}",
            user_id="ann",
            role="user",
            device_id="default",
            connection_id=None,
            now=started_at,
        ).session
        await calls.insert(
            tx,
            Call(
                cid=cid,
                type="default",
                id=call_id,
                created_by_id="ann",
                created_at=started_at,
                updated_at=started_at,
                last_session_id=session.id,
            ),
        )
        await sessions.insert(tx, session)
        await participants.insert(tx, session.participants)
        return cid

    def watch(self, cids: list[str]) -> Watch:
        """Watch calls from now on."""
        return Watch(self.bus, cids)

    async def ends(self) -> dict[str, tuple[datetime, datetime | None]]:
        """Return deadline and end of every session by cid."""
        columns = tables.sessions.c
        async with self.database.read() as tx:
            rows = await tx.all(sa.select(columns.cid, columns.timer_ends_at, columns.ended_at))
        return {row.cid: (row.timer_ends_at, row.ended_at) for row in rows}

    async def log(self) -> dict[str, list[tuple[int, str]]]:
        """Return ids and kinds of all events by cid, in order."""
        columns = tables.events.c
        async with self.database.read() as tx:
            rows = await tx.all(sa.select(columns.cid, columns.id, columns.type).order_by(columns.position))
        found: dict[str, list[tuple[int, str]]] = {}
        for row in rows:
            found.setdefault(row.cid, []).append((row.id, row.type))
        return found


class Watch:
    """Collects the events of calls, and waits for their ends."""

    def __init__(self, bus: LocalBus, cids: list[str]) -> None:
        self.ended_at: dict[str, datetime] = {}
        self.kinds: list[str] = []
        self._missing = set(cids)
        self._done = asyncio.Event()
        for cid in cids:
            bus.subscribe(call_channel(cid), self._receive)

    def _receive(self, rows: tuple[EventRow, ...]) -> None:
        for row in rows:
            self.kinds.append(row.type)
            if row.type == "call.session_ended":
                self.ended_at[row.cid] = datetime.now(UTC)
                self._missing.discard(row.cid)
        if not self._missing:
            self._done.set()

    async def until_all_ended(self, *, within_seconds: float = 20) -> None:
        async with asyncio.timeout(within_seconds):
            await self._done.wait()


@pytest.fixture
async def deadlines(database_url: str) -> AsyncIterator[Deadlines]:
    database = await Database.open(database_url)
    async with database.write() as tx:
        await users.upsert_users(tx, SERVER, users={"ann": {"id": "ann"}})
    yield Deadlines(database_url, database)
    await database.close()

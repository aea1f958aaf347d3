"""`callclock migrate` while a server runs: no call is lost, and nobody queues behind the migration."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from alembic.config import Config
from callclock_server.storage import migrate
from callclock_server.testing import running_server

NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", {head!r}, None, None


def upgrade():
    op.add_column("sessions", sa.Column("mood", sa.Text(), nullable=False, server_default="calm"))
    op.create_table("moods", sa.Column("name", sa.Text(), primary_key=True))
    op.create_index("ix_sessions_mood", "sessions", ["mood"])
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of a later version, which has one migration more."""
    present = migrate._config
    head = migrate.ScriptDirectory.from_config(present()).get_current_head()
    (tmp_path / "rev_next.py").write_text(NEXT.format(head=head))

    def later(connection: Any = None) -> Config:
        config = present(connection)
        versions = Path(migrate.__file__).parent / "migrations" / "versions"
        config.set_main_option("version_locations", f"{versions}:{tmp_path}")
        return config

    monkeypatch.setattr(migrate, "_config", later)


async def test_calls_end_on_time_while_the_schema_changes_under_them(postgres_url: str, request) -> None:
    with running_server(database_url=postgres_url) as server:
        request.getfixturevalue("next_version")
        async with httpx.AsyncClient(base_url=server.url, headers=server.headers(), verify=False) as client:
            (await client.post("/v1/users", json={"users": {"ann": {"id": "ann"}}})).raise_for_status()
            paths = [await start_call(client, f"due-{n}", seconds=3 + n % 3) for n in range(12)]
            # Somebody reads for a while: the migration must not queue in front of everybody else.
            reader = await asyncpg.connect(postgres_url)
            reading = reader.transaction()
            await reading.start()
            await reader.execute("SELECT count(*) FROM sessions")
            migrating = asyncio.create_task(migrate.migrate(postgres_url))
            slowest = 0.0
            for number in range(15):
                begun = time.monotonic()
                await start_call(client, f"meanwhile-{number}", seconds=600)
                slowest = max(slowest, time.monotonic() - begun)
                await asyncio.sleep(0.1)
            assert not migrating.done()
            await reading.rollback()
            await reader.close()
            await asyncio.wait_for(migrating, 20)
            assert slowest < 3  # a lock timeout of one second, and the statements
            await start_call(client, "afterwards", seconds=600)
            for path in paths:
                call = await ended(client, path)
                assert call["ended_reason"] == "max_duration_reached"
                (session,) = (await client.get(f"{path}/sessions")).json()["sessions"]
                assert session["timer_ends_at"] == session["ended_at"] == call["ended_at"]
    assert await migrate.standing_of(postgres_url) is migrate.Standing.CURRENT


async def start_call(client: httpx.AsyncClient, name: str, *, seconds: int) -> str:
    path = f"/v1/calls/default/{name}"
    terms = {"limits": {"max_duration_seconds": seconds}, "media": {"engine": "none"}}
    data = {"created_by_id": "ann", "settings_override": terms}
    (await client.post(path, json={"data": data})).raise_for_status()
    (await client.post(f"{path}/join", json={"user_id": "ann"})).raise_for_status()
    return path


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            call: dict[str, Any] = (await client.get(path)).json()["call"]
            if call["ended_at"] is not None:
                return call
            await asyncio.sleep(0.1)

"""What passes from node to node: hints with Redis and without, presence when a node is gone."""

from __future__ import annotations

import asyncio
import statistics
import time

import asyncpg
import pytest

from .clients import Caller, Watcher
from .stage import Stage
from .trial import USERS, Trial
from .verdict import Stall

pytestmark = pytest.mark.timeout(180)

WITHIN_SECONDS = 2.0


async def test_events_pass_through_redis_at_once(stage: Stage) -> None:
    async with Trial.of(stage, seconds=600, calls=1) as trial:
        (cid,) = trial.cids
        elsewhere = trial.watchers[1]
        delays = []
        for number in range(15):
            heard = elsewhere.heard(cid, "call.session_clock_changed")
            await trial.extend(cid, seconds=1, key=f"key {number}", first=0)
            asked = time.monotonic()
            await heard
            delays.append(time.monotonic() - asked)
        assert statistics.median(delays) < 0.3 + trial.stall.longest  # the log is followed once a second


async def test_without_redis_events_joins_and_lost_rights_arrive_within_two_seconds(stage: Stage) -> None:
    async with stage.healed(), Stall() as stall:
        backend = Caller(stage)
        listener = Watcher(stage, USERS[1], first=1)
        await listener.connected()
        await asyncio.to_thread(stage.redis.stop)
        try:
            kind = {"name": "private", "grants": {"user": ["join-call", "read-call"]}, "members_only": True}
            kind["settings"] = {"media": {"engine": "none"}}
            await backend.must("POST", "/v1/call_types", kind)
            where = "/v1/calls/private/one"
            data = {"created_by_id": USERS[0], "members": [{"user_id": user} for user in USERS]}
            await backend.must("POST", where, {"data": data}, first=0)
            joined = listener.heard("private:one", "call.updated", watched=False)
            lost = listener.loses("private:one")
            async with asyncio.timeout(WITHIN_SECONDS + stall.allowance):
                # Joining watches: the stream of the one who joins, wherever it is.
                await backend.must("POST", f"{where}/join", {"user_id": USERS[1]}, first=0)
                await backend.must("PATCH", where, {"custom": {"told": "by the log"}}, first=0)
                await joined
            async with asyncio.timeout(WITHIN_SECONDS + stall.allowance):
                await backend.must("POST", f"{where}/members", {"remove_members": [USERS[1]]}, first=0)
                await lost
        finally:
            await asyncio.to_thread(stage.redis.start)
            await listener.close()
            await backend.close()


async def test_presence_outlives_a_node_if_its_client_comes_back_and_else_does_not(stage: Stage) -> None:
    async with Trial.of(stage, seconds=600, calls=2) as trial:
        returning, ghostly = trial.cids  # by the streams at the first and at the second node
        stage.nodes[0].kill()
        stage.nodes[1].kill()
        await trial.watchers[1].close()  # before it notices: nobody has reported its stream lost
        left = trial.watchers[2].heard(ghostly, "call.session_participant_left")
        async with asyncio.timeout(25 + 10 * trial.stall.allowance):
            await left
        assert await _open_participants(stage, returning) == [USERS[0]]
        assert await _open_participants(stage, ghostly) == []


async def _open_participants(stage: Stage, cid: str) -> list[str]:
    connection = await asyncpg.connect(stage.database_url)
    try:
        rows = await connection.fetch(
            "SELECT p.user_id FROM participants p JOIN sessions s ON s.id = p.session_id"
            " WHERE s.cid = $1 AND p.left_at IS NULL AND p.lost_at IS NULL",
            cid,
        )
    finally:
        await connection.close()
    return [row["user_id"] for row in rows]

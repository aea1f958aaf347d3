"""What passes from node to node: hints with Redis and without, presence when a node is gone."""

from __future__ import annotations

import asyncio
import statistics
import time

import asyncpg
import httpx
import pytest

from .clients import Caller, Watcher
from .stage import Stage, headers
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
        assert statistics.median(delays) < 0.15 + trial.stall.longest()  # the log alone takes 0.35 s


async def test_without_redis_events_joins_and_lost_rights_arrive_within_two_seconds(stage: Stage) -> None:
    async with stage.healed(), Stall(stage.database_url) as stall:
        backend = Caller(stage)
        listener = Watcher(stage, USERS[1], first=1)
        await listener.connected()
        await asyncio.to_thread(stage.redis.stop)
        try:
            await _all_say_that_redis_is_away(stage)
            kind = {"name": "private", "grants": {"user": ["join-call", "read-call"]}, "members_only": True}
            kind["settings"] = {"media": {"engine": "none"}}
            await backend.must("POST", "/v1/call_types", kind)
            where = "/v1/calls/private/one"
            data = {"created_by_id": USERS[0], "members": [{"user_id": user} for user in USERS]}
            await backend.must("POST", where, {"data": data}, first=0)
            joined = listener.heard("private:one", "call.updated", watched=False)
            lost = listener.loses("private:one")
            async with asyncio.timeout(WITHIN_SECONDS + stall.allowance()):
                # Joining watches: the stream of the one who joins, wherever it is.
                await backend.must("POST", f"{where}/join", {"user_id": USERS[1]}, first=0)
                await backend.must("PATCH", where, {"custom": {"told": "by the log"}}, first=0)
                await joined
            async with asyncio.timeout(WITHIN_SECONDS + stall.allowance()):
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
        async with asyncio.timeout(25 + 10 * trial.stall.allowance()):
            await left
        assert await _open_participants(stage, returning) == [USERS[0]]
        assert await _open_participants(stage, ghostly) == []


async def test_node_without_the_database_sends_its_clients_to_those_that_have_it(stage: Stage) -> None:
    async with Trial.of(stage, seconds=600, calls=1) as trial:
        (cid,) = trial.cids
        stranded = trial.watchers[0]
        stage.nodes[0].to_database.cut()
        async with asyncio.timeout(9 + 10 * trial.stall.allowance()):
            await stranded.comes_back()
        assert await _open_participants(stage, cid) == [USERS[0]]
        heard = stranded.heard(cid, "call.session_clock_changed")
        await trial.extend(cid, seconds=60, key="one", first=1)
        await heard


async def _all_say_that_redis_is_away(stage: Stage) -> None:
    async with httpx.AsyncClient(verify=False, headers=headers()) as client, asyncio.timeout(10):
        for node in stage.nodes:
            while "callclock_bus_whole 0.0" not in (await client.get(f"{node.url}/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # a bus tells nobody that it has noticed
            assert (await client.get(f"{node.url}/readyz")).is_success


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

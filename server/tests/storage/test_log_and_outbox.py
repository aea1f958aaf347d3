"""Events in order, promises kept until confirmed, answers replayed for a day."""

from __future__ import annotations

import orjson
from callclock_server.storage import events, idempotency, outbox
from callclock_server.storage.database import Database, Hint
from callclock_server.storage.events import NewEvent
from callclock_server.storage.tables import idempotency as idempotency_table
from callclock_server.timekeeping import FakeClock
from sqlalchemy import func, select


def event(cid: str, number: int, clock: FakeClock) -> NewEvent:
    payload = orjson.dumps({"type": "call.updated", "id": number}).decode()
    return NewEvent(cid, number, "call.updated", clock.now(), payload)


async def test_heads_return_every_event_once_in_order(database: Database, clock: FakeClock) -> None:
    hints: list[Hint] = []
    database.on_hint(hints.append)
    for number in range(1, 6):
        async with database.write() as tx:
            await events.append(tx, [event("t:a", number, clock), event("t:b", number, clock)])
    async with database.read() as tx:
        first = await events.heads(tx, after_position=0, limit=4)
        rest = await events.heads(tx, after_position=first[-1].position, limit=100)
        everything = await events.at(tx, [head.position for head in (*first, *rest)])
        of_b = await events.of_call(tx, cid="t:b", after_id=3)
        assert await events.last_position(tx) == rest[-1].position
        assert await events.last_id(tx, "t:a") == 5
    assert [head.position for head in (*first, *rest)] == list(range(1, 11))
    assert [row for hint in hints for row in hint.events] == everything
    assert [row.id for row in of_b] == [4, 5]


async def test_notice_has_a_position_and_disturbs_no_numbering(database: Database, clock: FakeClock) -> None:
    async with database.write() as tx:
        notice = events.notice("access", {"users": ["ann"]}, now=clock.now())
        await events.append(tx, [event("t:a", 1, clock), notice, notice, event("t:a", 2, clock)])
        assert [row.notice_channel for row in tx.hint.events] == [None, "access", "access", None]
    async with database.read() as tx:
        assert [row.id for row in await events.of_call(tx, cid="t:a")] == [1, 2]
        assert [head.position for head in await events.heads(tx, after_position=0)] == [1, 2, 3, 4]


async def test_event_is_stamped_with_the_time_of_sending(database: Database, clock: FakeClock) -> None:
    async with database.write() as tx:
        await events.append(tx, [event("t:a", 1, clock)])
        (row,) = tx.hint.events
    sent = orjson.loads(row.render("2026-01-01T00:00:00.000000Z"))
    assert sent == {"server_time": "2026-01-01T00:00:00.000000Z", "type": "call.updated", "id": 1}


async def test_claimed_row_is_nobody_elses_until_its_lease_is_over(
    database: Database, clock: FakeClock
) -> None:
    async with database.write() as tx:
        await outbox.add(tx, kind=outbox.ROOM_DELETE, payload={"room": "s1"})
        assert tx.hint.outbox
    async with database.write() as tx:
        (slow,) = await outbox.claim(tx, limit=10, lease_seconds=30)
        assert await outbox.claim(tx, limit=10, lease_seconds=30) == []
    clock.advance(31)
    async with database.write() as tx:
        (quick,) = await outbox.claim(tx, limit=10, lease_seconds=30)
        assert not await outbox.settle(tx, row=slow)
        assert not await outbox.retry(tx, row=slow, delay_seconds=1, error="late")
        assert await outbox.settle(tx, row=quick)
        assert await outbox.next_due(tx) is None


async def test_failed_row_comes_back_after_its_delay(database: Database, clock: FakeClock) -> None:
    async with database.write() as tx:
        await outbox.add(tx, kind=outbox.ROOM_DELETE, payload={"room": "s1"})
        (row,) = await outbox.claim(tx, limit=10, lease_seconds=30)
        assert await outbox.retry(tx, row=row, delay_seconds=2, error="unreachable")
    async with database.write() as tx:
        assert await outbox.claim(tx, limit=10, lease_seconds=30) == []
    clock.advance(2)
    async with database.write() as tx:
        (again,) = await outbox.claim(tx, limit=10, lease_seconds=30)
    assert (again.attempts, again.payload) == (1, {"room": "s1"})


async def test_answer_is_found_for_a_day_under_the_whole_key(database: Database, clock: FakeClock) -> None:
    where = {"subject": "user:ann", "method": "POST", "path": "/v1/calls/a/b/extend", "key": "k"}
    async with database.write() as tx:
        await idempotency.store(tx, **where, body_hash="h", status=200, body=b"{}")
    async with database.read() as tx:
        assert await idempotency.find(tx, **where) == idempotency.StoredAnswer("h", 200, b"{}")
        for name in where:
            assert await idempotency.find(tx, **{**where, name: "other"}) is None
    clock.advance(24 * 3600)
    async with database.write() as tx:
        assert await idempotency.find(tx, **where) is None
        await idempotency.store(tx, **{**where, "key": "new"}, body_hash="h", status=200, body=b"{}")
        assert await tx.scalar(select(func.count()).select_from(idempotency_table)) == 1

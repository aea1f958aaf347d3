"""A deleted call is gone; what was sold in it stays on record."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.calls import call_types, create, delete, extend, read
from callclock_server.domain import errors


async def test_record_of_a_deleted_call_stays_for_the_server(world: Any) -> None:
    session = (await world.join(world.lecter)).session_id
    await world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="paid")
    world.clock.advance(100)
    await world.at_call(delete.delete_call, world.server)
    record = await world.at_call(read.get_record, world.server, session_id=session)
    assert (record["ended_reason"], record["wall_seconds"]) == ("call_deleted", 100)
    assert [change["seconds"] for change in record["ledger"]] == [3600, 60]
    page = await world.at_call(read.list_sessions, world.server)
    assert [each["id"] for each in page.items] == [session]
    for reading in (read.get_record, read.get_ledger, read.get_session):
        with pytest.raises(errors.CallNotFound):
            await world.at_call(reading, world.lecter, session_id=session)
    with pytest.raises(errors.SessionNotFound):
        await world.at_call(read.get_record, world.server, session_id="ses_other")
    with pytest.raises(errors.CallNotFound):
        await world.at_call(read.list_sessions, world.server, id="never-was")


async def test_call_made_again_inherits_no_sessions_and_no_keys(world: Any) -> None:
    old = (await world.join(world.lecter)).session_id
    await world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="paid")
    await world.at_call(delete.delete_call, world.server)
    members = {"members": [{"user_id": "bill"}, {"user_id": "lecter"}], "created_by_id": "lecter"}
    await world.at_call(create.get_or_create_call, world.server, data=members)
    with pytest.raises(errors.SessionNotFound):
        await world.at_call(read.get_record, world.bill, session_id=old)
    new = (await world.join(world.lecter)).session_id
    again = await world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="paid")
    assert (again.replayed, again.change["session_id"]) == (False, new)
    assert [each["id"] for each in (await world.at_call(read.list_sessions, world.bill)).items] == [new]
    seen = (await world.at_call(read.list_sessions, world.server)).items
    assert {each["id"] for each in seen} == {old, new}


async def test_type_of_deleted_calls_can_be_deleted(world: Any) -> None:
    session = (await world.join(world.lecter)).session_id
    await world.at_call(delete.delete_call, world.server)
    await world.do(call_types.delete_call_type, world.server, name="appointment")
    assert await world.at_call(read.get_record, world.server, session_id=session)

"""A record is recomputed from ledger and event log, and what does not agree is found."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from callclock_server.calls import (
    call_types,
    clock_by_hand,
    end,
    extend,
    leave,
    members,
    presence,
    update,
    verifying,
)

CALL = {"type": "appointment", "id": "a1"}


async def differences(world: Any) -> list[dict[str, Any]]:
    async with world.database.read() as tx:
        session_id = await tx.scalar(sa.text("SELECT id FROM sessions"))
        found: list[dict[str, Any]] = await verifying.verify_record(
            tx, world.server, **CALL, session_id=session_id
        )
    return found


async def pass_time(world: Any, seconds: float) -> None:
    world.clock.advance(seconds)
    await world.sweeper.run_once()


async def play(world: Any) -> None:
    """Waiting, a pause by absence and one by hand, devices, a lost stream, a role, overtime, the end."""
    limits = {
        "starts": "all_roles",
        "required_roles": ["specialist", "patient"],
        "pause_when_absent": ["specialist"],
        "overtime_seconds": 300,
    }
    await world.do(call_types.update_call_type, world.server, name="appointment", settings={"limits": limits})
    await world.join(world.bill, device_id="phone", connection_id="c1")
    await pass_time(world, 61.25)
    await world.join(world.lecter, device_id="desk")
    await world.join(world.lecter, device_id="tablet")
    assert await differences(world) == []
    await pass_time(world, 600.5)
    await world.at_call(leave.leave_call, world.lecter)
    await pass_time(world, 90)
    assert await differences(world) == []
    await world.join(world.lecter, device_id="desk")
    await world.at_call(clock_by_hand.pause_clock, world.lecter, reason="papers")
    await pass_time(world, 33.333333)
    await world.at_call(clock_by_hand.resume_clock, world.lecter)
    await world.at_call(extend.extend_call, world.lecter, seconds=300)
    await world.at_call(
        members.update_members, world.server, update_members=[{"user_id": "bill", "role": "specialist"}]
    )
    await world.at_call(
        update.update_call,
        world.server,
        changes={"settings_override": {"limits": {"max_pause_seconds": 600}}},
    )
    async with world.database.write() as tx:
        await presence.connection_lost(tx, connection_id="c1", node_id="n")


async def test_record_of_an_eventful_session_is_what_the_log_comes_to(world: Any) -> None:
    await play(world)
    await pass_time(world, 3300)
    await world.at_call(end.end_call, world.lecter)
    assert await differences(world) == []


async def test_plain_session_is_verified_too(world: Any) -> None:
    await world.join(world.lecter)
    await world.join(world.bill)
    await pass_time(world, 100)
    await world.at_call(leave.leave_call, world.bill)
    await world.at_call(extend.extend_call, world.lecter, seconds=-60)
    assert await differences(world) == []
    await pass_time(world, 5000)
    assert await differences(world) == []


@pytest.mark.parametrize(
    ("tampering", "field"),
    [
        ("UPDATE participants SET left_at = left_at - 60000000 WHERE user_id = 'bill'", "participants.0"),
        ("UPDATE sessions SET ended_at = ended_at + 60000000", "ended_at"),
        ("UPDATE sessions SET max_duration_seconds = max_duration_seconds + 60", "timer_ends_at"),
    ],
)
async def test_row_that_was_altered_is_found(world: Any, tampering: str, field: str) -> None:
    await world.join(world.lecter)
    await world.join(world.bill)
    await pass_time(world, 100)
    await world.at_call(leave.leave_call, world.bill)
    await pass_time(world, 5000)
    async with world.database.write() as tx:
        await tx.execute(sa.text(tampering))
    assert any(found["field"].startswith(field) for found in await differences(world))

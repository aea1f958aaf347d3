"""The numbered rules of the session and its clock (design section 5), each on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from callclock_server.calls import call_types, create, end, extend, leave, presence, read, reopen, update
from callclock_server.domain import errors
from callclock_server.storage import outbox, sessions


def limit(seconds: int | None) -> dict[str, Any]:
    return {"settings_override": {"limits": {"max_duration_seconds": seconds}}}


def text(moment: Any) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def ledger_of(world: Any, session_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await world.at_call(read.get_ledger, world.server, session_id=session_id)
    return rows


async def call_of(world: Any) -> dict[str, Any]:
    return (await world.at_call(read.get_call, world.server)).call


async def test_rule_01_first_accepted_join_starts_the_session_and_its_clock(world: Any) -> None:
    started_at = world.clock.now()
    joined = await world.join(world.bill)
    session = joined.call["session"]
    assert session["started_at"] == text(started_at)
    assert session["timer_ends_at"] == text(started_at + timedelta(seconds=3600))
    assert [p["user_id"] for p in session["participants"]] == ["bill"]
    assert (await world.kinds())[-2:] == ["session_started", "session_participant_joined"]


async def test_rule_01_session_without_a_limit_has_no_deadline(empty_world: Any) -> None:
    await empty_world.set_up(seconds=None)
    joined = await empty_world.join(empty_world.bill)
    assert joined.call["session"]["timer_ends_at"] is None
    (row,) = await ledger_of(empty_world, joined.session_id)
    assert (row["how"], row["seconds"], row["new_ends_at"]) == ("start", 0, None)


async def test_rule_01_join_that_never_reaches_the_room_is_undone_and_voids_the_session(
    empty_world: Any,
) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    joined = await world.join(world.bill)
    assert joined.room == joined.session_id
    assert joined.call["session"]["participants"] == []
    world.clock.advance(30)
    await world.sweeper.run_once()
    call = await call_of(world)
    assert (call["session"], call["ended_at"]) == (None, None)
    (ended,) = await world.told("call.session_ended")
    assert ended["reason"] == "never_connected"
    record = await world.at_call(read.get_record, world.server, session_id=joined.session_id)
    assert (record["void"], record["wall_seconds"], record["participants"]) == (True, 0.0, [])
    again = await world.join(world.bill)
    assert again.session_id != joined.session_id
    assert again.call["session"]["started_at"] == text(world.clock.now())


async def test_rule_01_join_that_reached_the_room_stays(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    joined = await world.join(world.bill)
    await world.join(world.lecter)
    async with world.database.write() as tx:
        assert await presence.media_joined(tx, room=joined.session_id, identity="bill:default", sid="PA_1")
    world.clock.advance(31)
    await world.sweeper.run_once()
    session = (await call_of(world))["session"]
    assert [p["user_id"] for p in session["participants"]] == ["bill"]


async def test_rule_02_absolute_change_counts_from_the_start(world: Any) -> None:
    started_at = world.clock.now()
    await world.join(world.bill)
    world.clock.advance(1000)
    answer = await world.at_call(update.update_call, world.lecter, changes=limit(7200))
    assert answer.call["session"]["timer_ends_at"] == text(started_at + timedelta(seconds=7200))
    assert answer.call["settings"]["limits"]["max_duration_seconds"] == 7200
    (changed,) = await world.told("call.session_clock_changed")
    assert changed["change"]["how"] == "set"
    assert changed["change"]["seconds"] == 3600
    assert changed["user"]["id"] == "lecter"


async def test_rule_02_change_before_the_call_holds_for_its_session(world: Any) -> None:
    await world.at_call(update.update_call, world.lecter, changes=limit(60))
    joined = await world.join(world.bill)
    assert joined.call["session"]["max_duration_seconds"] == 60


async def test_rule_02_null_removes_the_limit_and_a_new_one_counts_from_the_start_again(world: Any) -> None:
    started_at = world.clock.now()
    joined = await world.join(world.bill)
    removed = await world.at_call(update.update_call, world.lecter, changes=limit(None))
    assert removed.call["session"]["timer_ends_at"] is None
    world.clock.advance(5000)
    await world.sweeper.run_once()
    again = await world.at_call(update.update_call, world.lecter, changes=limit(6000))
    assert again.call["session"]["timer_ends_at"] == text(started_at + timedelta(seconds=6000))
    rows = await ledger_of(world, joined.session_id)
    assert [(row["how"], row["seconds"]) for row in rows] == [
        ("start", 3600),
        ("remove", -3600),
        ("set", 6000),
    ]


async def test_rule_02_total_that_has_elapsed_ends_the_call_at_once(world: Any) -> None:
    started_at = world.clock.now()
    await world.join(world.bill)
    world.clock.advance(100)
    answer = await world.at_call(update.update_call, world.lecter, changes=limit(100))
    assert answer.call["session"] is None
    assert answer.call["ended_at"] == text(started_at + timedelta(seconds=100))
    assert answer.call["ended_reason"] == "max_duration_reached"


async def test_rule_03_fifty_parallel_extensions_add_exactly_3000_seconds(world: Any) -> None:
    started_at = world.clock.now()
    joined = await world.join(world.lecter)
    jobs = [world.at_call(extend.extend_call, world.lecter, seconds=60) for _ in range(50)]
    await asyncio.gather(*jobs)
    session = (await call_of(world))["session"]
    assert session["max_duration_seconds"] == 6600
    assert session["timer_ends_at"] == text(started_at + timedelta(seconds=6600))
    rows = await ledger_of(world, joined.session_id)
    assert len(rows) == 51
    assert sum(row["seconds"] for row in rows) == 6600
    assert all(old["new_ends_at"] == new["old_ends_at"] for old, new in pairwise(rows))


async def test_rule_03_repeated_key_returns_the_first_answer(world: Any) -> None:
    joined = await world.join(world.lecter)
    jobs = [
        world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="k") for _ in range(10)
    ]
    answers = await asyncio.gather(*jobs)
    assert len({answer.change["id"] for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(await ledger_of(world, joined.session_id)) == 2
    world.clock.advance(3660)
    await world.sweeper.run_once()
    late = await world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="k")
    assert late.change == answers[0].change


async def test_rule_03_key_with_other_seconds_is_refused(world: Any) -> None:
    await world.join(world.lecter)
    await world.at_call(extend.extend_call, world.lecter, seconds=60, idempotency_key="k")
    with pytest.raises(errors.IdempotencyKeyReused):
        await world.at_call(extend.extend_call, world.lecter, seconds=61, idempotency_key="k")


async def test_rule_03_negative_seconds_shorten(world: Any) -> None:
    await world.join(world.lecter)
    answer = await world.at_call(extend.extend_call, world.lecter, seconds=-600, reason="done early")
    assert answer.call["session"]["max_duration_seconds"] == 3000
    assert answer.call["settings_override"]["limits"]["max_duration_seconds"] == 3000
    assert answer.change["reason"] == "done early"


@pytest.mark.parametrize("seconds", [-3600, 90_000])
async def test_rule_03_total_out_of_range_is_refused_and_changes_nothing(world: Any, seconds: int) -> None:
    joined = await world.join(world.lecter)
    with pytest.raises(errors.LimitOutOfRange):
        await world.at_call(extend.extend_call, world.lecter, seconds=seconds)
    assert len(await ledger_of(world, joined.session_id)) == 1


async def test_rule_03_patient_cannot_extend(world: Any) -> None:
    await world.join(world.bill)
    with pytest.raises(errors.MissingCapability) as refused:
        await world.at_call(extend.extend_call, world.bill, seconds=60)
    assert refused.value.capability == "change-max-duration"
    with pytest.raises(errors.MissingCapability):
        await world.at_call(update.update_call, world.bill, changes=limit(7200))
    assert (await call_of(world))["session"]["max_duration_seconds"] == 3600


async def test_rule_04_call_ends_at_the_deadline_exactly_and_once(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit", seconds=60)
    deadline = world.at(60)
    joined = await world.join(world.bill)
    async with world.database.write() as tx:
        await presence.media_joined(tx, room=joined.session_id, identity="bill:default")
    world.clock.advance(59.999)
    await world.sweeper.run_once()
    assert (await call_of(world))["ended_at"] is None
    world.clock.advance(5.5)
    await world.sweeper.run_once()
    assert await world.sweeper.run_once() == 0
    call = await call_of(world)
    assert (call["ended_at"], call["ended_reason"]) == (text(deadline), "max_duration_reached")
    session = await world.at_call(read.get_session, world.server, session_id=joined.session_id)
    assert session["ended_at"] == text(deadline) == session["timer_ends_at"]
    ends = await world.told("call.ended", "call.session_ended")
    assert [event["type"] for event in ends] == ["call.ended", "call.session_ended"]
    assert all(event["ended_at"] == text(deadline) for event in ends)
    record = await world.at_call(read.get_record, world.server, session_id=joined.session_id)
    assert record["participants"][0]["present_seconds"] == 60.0


async def test_rule_04_room_that_reappears_is_deleted(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit", seconds=60)
    joined = await world.join(world.bill)
    world.clock.advance(61)
    await world.sweeper.run_once()
    async with world.database.write() as tx:
        for row in await outbox.claim(tx, limit=10, lease_seconds=10):
            assert await outbox.settle(tx, row=row)
    async with world.database.write() as tx:
        assert not await presence.media_joined(tx, room=joined.session_id, identity="bill:default")
        (row,) = await outbox.claim(tx, limit=10, lease_seconds=10)
    assert (row.kind, row.payload) == ("room.delete", {"room": joined.session_id, "cluster": None})


async def test_rule_04_request_after_the_deadline_settles_first_and_the_end_outlives_its_refusal(
    world: Any,
) -> None:
    deadline = world.at(3600)
    await world.join(world.lecter)
    world.clock.advance(3601)
    with pytest.raises(errors.CallEnded):
        await world.at_call(extend.extend_call, world.lecter, seconds=60)
    assert (await call_of(world))["ended_at"] == text(deadline)
    assert len(await world.told("call.ended")) == 1


async def test_rule_05_leaving_and_coming_back_keeps_session_and_deadline(world: Any) -> None:
    first = await world.join(world.bill)
    world.clock.advance(100)
    await world.at_call(leave.leave_call, world.bill)
    world.clock.advance(1000)
    await world.sweeper.run_once()
    again = await world.join(world.bill)
    assert again.session_id == first.session_id
    assert again.call["session"]["timer_ends_at"] == first.call["session"]["timer_ends_at"]
    assert again.participant["id"] != first.participant["id"]


async def test_rule_05_second_device_reload_and_new_creation_do_not_move_the_deadline(world: Any) -> None:
    first = await world.join(world.bill, device_id="tab-1")
    ends_at = first.call["session"]["timer_ends_at"]
    world.clock.advance(10)
    second = await world.join(world.bill, device_id="tab-2")
    reload = await world.join(world.bill, device_id="tab-1")
    assert reload.participant["id"] == first.participant["id"] != second.participant["id"]
    created = await world.at_call(create.get_or_create_call, world.lecter, data={"custom": {"x": 1}})
    assert created.created is False
    assert created.call["session"]["timer_ends_at"] == ends_at
    assert len(created.call["session"]["participants"]) == 2


async def test_rule_05_join_with_the_same_terms_again_does_not_take_an_extension_back(world: Any) -> None:
    terms = limit(7200)
    await world.join(world.lecter, data=terms)
    await world.at_call(extend.extend_call, world.lecter, seconds=600)
    again = await world.join(world.lecter, data=terms)
    assert again.call["session"]["max_duration_seconds"] == 7800


async def test_rule_05_session_without_a_limit_ends_when_empty_for_its_timeout(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(seconds=None)
    await world.join(world.bill)
    await world.at_call(leave.leave_call, world.bill)
    world.clock.advance(29.9)
    await world.sweeper.run_once()
    assert (await call_of(world))["session"] is not None
    ends_at = world.at(0.1)
    world.clock.advance(1)
    await world.sweeper.run_once()
    call = await call_of(world)
    assert (call["session"], call["ended_at"]) == (None, None)
    (ended,) = await world.told("call.session_ended")
    assert (ended["reason"], ended["ended_at"]) == ("empty_timeout", text(ends_at))
    assert await world.told("call.ended") == []


async def test_rule_06_after_the_end_only_who_may_comes_in_with_a_clock_of_its_own(world: Any) -> None:
    first = await world.join(world.bill)
    await world.at_call(end.end_call, world.lecter)
    with pytest.raises(errors.CallEnded):
        await world.join(world.bill)
    await world.do(
        call_types.update_call_type,
        world.server,
        name="appointment",
        grants={"specialist": ["join-call", "join-ended-call", "change-max-duration"]},
    )
    world.clock.advance(10)
    again = await world.join(world.lecter)
    assert again.session_id != first.session_id
    assert again.call["session"]["timer_ends_at"] == text(world.at(3600))
    with pytest.raises(errors.CallEnded):
        await world.join(world.bill)
    reopened = await world.at_call(reopen.reopen_call, world.lecter)
    assert reopened.call["ended_at"] is None
    together = await world.join(world.bill)
    assert together.session_id == again.session_id
    with pytest.raises(errors.CallNotEnded):
        await world.at_call(reopen.reopen_call, world.lecter)


async def test_rule_06_reopened_call_starts_a_session_with_a_new_ledger(world: Any) -> None:
    await world.join(world.lecter)
    await world.at_call(extend.extend_call, world.lecter, seconds=60)
    world.clock.advance(4000)
    await world.sweeper.run_once()
    with pytest.raises(errors.MissingCapability):
        await world.at_call(reopen.reopen_call, world.lecter)
    await world.at_call(reopen.reopen_call, world.server)
    joined = await world.join(world.bill)
    (row,) = await ledger_of(world, joined.session_id)
    assert row["how"] == "start"


async def test_rule_07_changed_limit_of_the_type_applies_to_sessions_that_start_later(world: Any) -> None:
    running = await world.join(world.bill)
    shorter = {"limits": {"max_duration_seconds": 60}}
    await world.do(call_types.update_call_type, world.server, name="appointment", settings=shorter)
    call = await call_of(world)
    assert call["session"]["timer_ends_at"] == running.call["session"]["timer_ends_at"]
    assert call["settings"]["limits"]["max_duration_seconds"] == 3600
    await world.at_call(end.end_call, world.server)
    await world.at_call(reopen.reopen_call, world.server)
    assert (await world.join(world.bill)).call["session"]["max_duration_seconds"] == 60


async def test_rule_08_warning_comes_once_for_each_threshold_and_again_after_an_extension(world: Any) -> None:
    await world.join(world.lecter)
    world.clock.advance(3300)
    for _ in range(3):
        await world.sweeper.run_once()
    (warned,) = await world.told("call.session_timer_warning")
    assert (warned["threshold_seconds"], warned["seconds_left"]) == (300, 300)
    await world.at_call(extend.extend_call, world.lecter, seconds=120)
    await world.sweeper.run_once()
    assert len(await world.told("call.session_timer_warning")) == 1
    world.clock.advance(120)
    await world.sweeper.run_once()
    world.clock.advance(240)
    await world.sweeper.run_once()
    warnings = await world.told("call.session_timer_warning")
    assert [event["threshold_seconds"] for event in warnings] == [300, 300, 60]
    assert warnings[-1]["timer_ends_at"] == text(world.at(60))


async def test_rule_08_late_joiner_learns_of_the_passed_threshold_from_the_state(world: Any) -> None:
    await world.join(world.lecter)
    world.clock.advance(3500)
    await world.sweeper.run_once()
    joined = await world.join(world.bill)
    assert joined.call["session"]["clock"]["passed_warning_seconds"] == 300
    assert joined.call["session"]["clock"]["remaining_seconds"] == 100.0


async def test_rule_09_times_are_utc_with_microseconds_and_naive_ones_are_refused(world: Any) -> None:
    world.clock.advance(0.000001)
    answer = await world.at_call(
        update.update_call, world.lecter, changes={"starts_at": "2026-02-01T10:00:00+02:00"}
    )
    assert answer.call["starts_at"] == "2026-02-01T08:00:00.000000Z"
    assert answer.call["updated_at"].endswith(".000001Z")
    with pytest.raises(errors.NaiveTime):
        await world.at_call(update.update_call, world.lecter, changes={"starts_at": "2026-02-01T10:00:00"})


async def test_rule_10_row_is_the_timer_and_keeps_the_nearest_alarm(world: Any) -> None:
    async def alarm() -> Any:
        async with world.database.read() as tx:
            return await sessions.earliest_alarm(tx)

    started_at = world.clock.now()
    await world.join(world.lecter)
    assert await alarm() == started_at + timedelta(seconds=3300)
    world.clock.advance(3300)
    await world.sweeper.run_once()
    assert await alarm() == started_at + timedelta(seconds=3540)
    await world.at_call(extend.extend_call, world.lecter, seconds=600)
    assert await alarm() == started_at + timedelta(seconds=3900)
    await world.at_call(end.end_call, world.lecter)
    assert await alarm() is None

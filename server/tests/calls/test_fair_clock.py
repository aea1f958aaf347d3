"""Calls whose clock has policies: waiting, pauses, overtime, consent, requests, no-show, the guard."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.calls import (
    backstage,
    call_types,
    clock_by_hand,
    create,
    extend,
    extension_requests,
    leave,
    members,
    offers,
    presence,
    read,
    update,
)
from callclock_server.domain import errors
from callclock_server.storage import openings

ROLES = ["specialist", "patient"]
CALL = {"type": "appointment", "id": "a1"}


async def session_of(world: Any) -> dict[str, Any]:
    async with world.database.read() as tx:
        call = (await read.get_call(tx, world.server, **CALL)).call
    session: dict[str, Any] = call["session"]
    return session


async def clock_of(world: Any) -> dict[str, Any]:
    clock: dict[str, Any] = (await session_of(world))["clock"]
    return clock


async def pass_time(world: Any, seconds: float) -> None:
    world.clock.advance(seconds)
    await world.sweeper.run_once()


async def rules(world: Any, **limits: Any) -> None:
    await world.do(call_types.update_call_type, world.server, name="appointment", settings={"limits": limits})


async def changes(world: Any, by: Any, **limits: Any) -> Any:
    return await world.at_call(update.update_call, by, changes={"settings_override": {"limits": limits}})


# -- start -------------------------------------------------------------------------------------------------


async def test_clock_waits_for_all_roles_and_says_for_whom(world: Any) -> None:
    await rules(world, starts="all_roles", required_roles=ROLES)
    told = (await world.join(world.bill)).call["session"]["clock"]["waiting_for"]
    clock = await clock_of(world)
    assert told == clock["waiting_for"]
    assert (clock["state"], clock["remaining_seconds"]) == ("waiting", 3600)
    assert clock["waiting_for"] == {
        "reason": "roles",
        "roles": ["specialist"],
        "users": [{"id": "lecter", "name": "Lecter", "image": None}],
        "starts_at": None,
    }
    await pass_time(world, 600)
    await world.join(world.lecter)
    session = await session_of(world)
    assert session["clock"]["state"] == "running"
    assert session["clock"]["elapsed_seconds"] == 0
    (started,) = await world.told("call.session_clock_changed")
    assert started["change"]["how"] == "clock_start"
    assert started["timer_ends_at"] == session["timer_ends_at"] is not None


async def test_scheduled_clock_starts_and_ends_though_nobody_comes(world: Any) -> None:
    await rules(world, starts="scheduled")
    data = {"created_by_id": "lecter", "members": [{"user_id": "lecter"}], "starts_at": world.at(600)}
    await world.do(create.get_or_create_call, world.server, type="appointment", id="b", data=data)
    world.clock.advance(5000)
    await world.sweeper.run_once()
    kinds = [event["type"] for event in await world.told(cid="appointment:b")]
    assert kinds[1:] == [
        "call.session_started",
        "call.session_clock_changed",
        "call.ended",
        "call.session_ended",
    ]
    ended = (await world.told("call.session_ended", cid="appointment:b"))[0]
    assert ended["record"]["started_at"] == data["starts_at"].isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )
    assert ended["record"]["running_seconds"] == 3600
    async with world.database.write() as tx:
        assert await openings.claim_due(tx, now=world.at(99_999), limit=9) == []


async def test_join_after_the_scheduled_start_finds_the_clock_running(world: Any) -> None:
    """Before any sweep: who comes opens the call first."""
    await rules(world, starts="scheduled")
    await world.at_call(update.update_call, world.lecter, changes={"starts_at": world.at(600)})
    world.clock.advance(900)
    joined = await world.join(world.bill)
    clock = joined.call["session"]["clock"]
    assert (clock["state"], clock["elapsed_seconds"]) == ("running", 300)
    await world.sweeper.run_once()
    assert (await world.kinds()).count("session_started") == 1


async def test_call_with_a_scheduled_clock_needs_a_start(world: Any) -> None:
    await rules(world, starts="scheduled")
    with pytest.raises(errors.MissingField):
        await world.do(
            create.get_or_create_call,
            world.server,
            type="appointment",
            id="b",
            data={"created_by_id": "lecter"},
        )


async def test_type_that_becomes_scheduled_opens_calls_that_were_made_before(world: Any) -> None:
    await world.at_call(update.update_call, world.lecter, changes={"starts_at": world.at(600)})
    await rules(world, starts="scheduled")
    await pass_time(world, 600)
    assert (await clock_of(world))["state"] == "running"


async def test_manual_clock_is_started_by_somebody_with_the_right(world: Any) -> None:
    await rules(world, starts="manual")
    await world.join(world.bill)
    with pytest.raises(errors.MissingCapability):
        await world.at_call(clock_by_hand.start_clock, world.bill)
    answer = await world.at_call(clock_by_hand.start_clock, world.lecter, reason="all here")
    assert (answer.change["how"], answer.change["by"], answer.change["reason"]) == (
        "clock_start",
        "lecter",
        "all here",
    )
    with pytest.raises(errors.ClockAlreadyStarted):
        await world.at_call(clock_by_hand.start_clock, world.lecter)


# -- backstage ---------------------------------------------------------------------------------------------


async def with_waiting_room(world: Any, **backstage_settings: Any) -> None:
    await world.do(
        call_types.update_call_type,
        world.server,
        name="appointment",
        grants={"specialist": ["join-call", "join-backstage", "change-max-duration", "send-audio"]},
        settings={"backstage": {"enabled": True, "opens": "manual", **backstage_settings}},
    )


async def test_waiting_person_holds_no_media_and_is_seen_by_those_who_admit(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    await with_waiting_room(world)
    waiting = await world.join(world.bill, device_id="phone")
    assert (waiting.waiting, waiting.room, waiting.participant["joined_at"]) == (True, None, None)
    assert waiting.call["session"]["participants"] == []
    with pytest.raises(errors.MissingCapability):
        await world.at_call(backstage.list_waiting, world.bill)
    async with world.database.write() as tx:
        assert not await presence.media_joined(tx, room=waiting.session_id, identity="bill:phone")
    (seen,) = await world.at_call(backstage.list_waiting, world.lecter)
    assert (seen["user_id"], seen["waiting_since"] is not None) == ("bill", True)
    await world.join(world.lecter)
    _, (admitted,) = await world.at_call(backstage.admit, world.lecter, user_id="bill")
    assert admitted["waiting_since"] is None
    entered = await world.join(world.bill, device_id="phone")
    assert (entered.waiting, entered.room) == (False, entered.session_id)
    kinds = await world.kinds()
    assert [kind for kind in kinds if "waiting" in kind or "admitted" in kind] == [
        "session_waiting_changed",
        "participant_admitted",
        "session_waiting_changed",
    ]


async def test_going_live_starts_the_clock_and_time_before_it_does_not_count(world: Any) -> None:
    await with_waiting_room(world)
    await world.join(world.lecter)
    await world.join(world.bill)
    await pass_time(world, 1000)
    assert (await clock_of(world))["waiting_for"]["reason"] == "backstage"
    answer = await world.at_call(backstage.go_live, world.lecter)
    assert answer.call["session"]["clock"]["elapsed_seconds"] == 0
    assert len(answer.call["session"]["participants"]) == 2
    await world.at_call(backstage.stop_live, world.lecter)
    assert (await world.join(world.bill, device_id="second")).waiting


# -- pauses ------------------------------------------------------------------------------------------------


async def test_absence_pauses_for_everybody_to_see_and_return_resumes(world: Any) -> None:
    await rules(world, pause_when_absent=["specialist"], absence_grace_seconds=20)
    await world.join(world.lecter)
    await world.join(world.bill)
    world.clock.advance(100)
    await world.at_call(leave.leave_call, world.lecter)
    await pass_time(world, 50)
    clock = await clock_of(world)
    assert (clock["state"], clock["paused_seconds"], clock["remaining_seconds"]) == ("paused", 50, 3500)
    assert clock["paused_reason"] == {
        "kind": "absence",
        "roles": ["specialist"],
        "by": None,
        "reason": None,
    }
    with pytest.raises(errors.PausedForAbsence):
        await world.at_call(clock_by_hand.resume_clock, world.lecter)
    await world.join(world.lecter)
    assert (await session_of(world))["timer_ends_at"] == (await world.told("call.session_clock_changed"))[-1][
        "timer_ends_at"
    ]
    async with world.database.read() as tx:
        session = await session_of(world)
        rows = await read.get_ledger(tx, world.server, **CALL, session_id=session["id"])
    assert [row["how"] for row in rows] == ["start", "pause", "resume"]
    assert rows[-1]["details"] == {"kind": "absence", "cause": "returned", "paused_seconds": 50.0}


async def test_role_taken_from_the_only_specialist_counts_as_absence(world: Any) -> None:
    await rules(world, pause_when_absent=["specialist"], absence_grace_seconds=0)
    await world.join(world.lecter)
    await world.at_call(
        members.update_members, world.server, update_members=[{"user_id": "lecter", "role": "patient"}]
    )
    await pass_time(world, 10)
    assert (await clock_of(world))["paused_seconds"] == 10


async def test_plain_clock_is_paused_by_hand(world: Any) -> None:
    await world.join(world.lecter)
    with pytest.raises(errors.MissingCapability):
        await world.at_call(clock_by_hand.pause_clock, world.bill)
    await world.at_call(clock_by_hand.pause_clock, world.lecter, reason="the dog")
    await pass_time(world, 60)
    assert (await clock_of(world))["paused_reason"]["reason"] == "the dog"
    await world.at_call(clock_by_hand.resume_clock, world.lecter)
    assert (await clock_of(world))["remaining_seconds"] == 3600


# -- overtime ----------------------------------------------------------------------------------------------


async def test_overtime_is_announced_and_ends_hard_with_its_record(world: Any) -> None:
    await rules(world, overtime_seconds=300)
    await world.join(world.lecter)
    await pass_time(world, 3700)
    clock = await clock_of(world)
    assert (clock["state"], clock["overtime_seconds"], clock["remaining_seconds"]) == ("overtime", 100, 0)
    await pass_time(world, 5000)
    (ended,) = await world.told("call.session_ended")
    assert ended["reason"] == "overtime_used_up"
    sums = {key: value for key, value in ended["record"].items() if key.endswith("_seconds")}
    assert (sums["wall_seconds"], sums["running_seconds"], sums["overtime_seconds"]) == (3900, 3600, 300)
    with pytest.raises(errors.CallEnded):
        await world.join(world.bill)


# -- consent and requests ----------------------------------------------------------------------------------


async def test_only_the_consent_of_the_other_side_moves_the_deadline(world: Any) -> None:
    await rules(world, extension={"consent_roles": ["patient"], "max_count": 1})
    await world.join(world.lecter)
    await world.join(world.bill)
    before = (await session_of(world))["timer_ends_at"]
    offered = await world.at_call(
        extend.extend_call, world.lecter, seconds=900, price_text="€ 45", idempotency_key="k"
    )
    again = await world.at_call(extend.extend_call, world.lecter, seconds=900, idempotency_key="k")
    assert (offered.change, again.offer["id"], again.replayed) == (None, offered.offer["id"], True)
    assert (await session_of(world))["timer_ends_at"] == before
    with pytest.raises(errors.ConsentNotYours):
        await world.at_call(offers.accept_offer, world.lecter, offer_id=offered.offer["id"])
    with pytest.raises(errors.ConsentRequired):
        await changes(world, world.lecter, max_duration_seconds=9000)
    accepted = await world.at_call(offers.accept_offer, world.bill, offer_id=offered.offer["id"])
    assert (accepted.change["by"], accepted.change["details"]) == (
        "lecter",
        {"offer_id": offered.offer["id"], "consent_by": "bill", "price_text": "€ 45"},
    )
    assert accepted.call["session"]["clock"]["remaining_seconds"] == 4500
    with pytest.raises(errors.OfferNotFound):
        await world.at_call(offers.accept_offer, world.bill, offer_id=offered.offer["id"])
    with pytest.raises(errors.ExtensionCountReached):
        await world.at_call(extend.extend_call, world.lecter, seconds=900)
    (answered,) = await world.told("call.extension_answered")
    assert (answered["answer"], answered["user"]["id"]) == ("accepted", "bill")


@pytest.mark.parametrize("answer", ["declined", "withdrawn", "expired"])
async def test_offer_without_consent_moves_nothing(world: Any, answer: str) -> None:
    await rules(world, extension={"consent_roles": ["patient"]})
    await world.join(world.lecter)
    await world.join(world.bill)
    offered = await world.at_call(extend.extend_call, world.lecter, seconds=900)
    if answer == "expired":
        await pass_time(world, 61)
    else:
        who = world.bill if answer == "declined" else world.lecter
        await world.at_call(offers.decline_offer, who, offer_id=offered.offer["id"])
    (told,) = await world.told("call.extension_answered")
    assert (told["answer"], told["offer"]["id"]) == (answer, offered.offer["id"])
    assert (await clock_of(world))["offer"] is None
    assert (await session_of(world))["max_duration_seconds"] == 3600


async def test_request_is_granted_by_one_row_under_the_same_rules(world: Any) -> None:
    await rules(world, extension={"steps_seconds": [600], "consent_roles": ["patient"]})
    await world.join(world.lecter)
    await world.join(world.bill)
    with pytest.raises(errors.ExtensionStepNotAllowed):
        await world.at_call(extension_requests.request_extension, world.bill, seconds=500)
    asked = await world.at_call(
        extension_requests.request_extension, world.bill, seconds=600, reason="one more question"
    )
    with pytest.raises(errors.RequestPending):
        await world.at_call(extension_requests.request_extension, world.bill, seconds=600)
    assert [one["id"] for one in (await clock_of(world))["requests"]] == [asked.request["id"]]
    with pytest.raises(errors.MissingCapability):
        await world.at_call(extension_requests.approve_request, world.bill, request_id=asked.request["id"])
    granted = await world.at_call(
        extension_requests.approve_request, world.lecter, request_id=asked.request["id"]
    )
    # Who would have to agree has asked: that was the consent.
    assert granted.change["details"]["consent_by"] == granted.change["details"]["requested_by"] == "bill"
    assert granted.call["session"]["clock"]["requests"] == []


@pytest.mark.parametrize("answer", ["declined", "withdrawn", "expired"])
async def test_request_that_is_not_granted_moves_nothing(world: Any, answer: str) -> None:
    await world.join(world.lecter)
    with pytest.raises(errors.NotPresent):
        await world.at_call(extension_requests.request_extension, world.bill, seconds=600)
    await world.join(world.bill)
    asked = await world.at_call(extension_requests.request_extension, world.bill, seconds=600)
    if answer == "expired":
        await pass_time(world, 121)
    else:
        who = world.lecter if answer == "declined" else world.bill
        await world.at_call(extension_requests.decline_request, who, request_id=asked.request["id"])
    (told,) = await world.told("call.extension_answered")
    assert told["answer"] == answer
    with pytest.raises(errors.RequestNotFound):
        await world.at_call(extension_requests.approve_request, world.lecter, request_id=asked.request["id"])


# -- no-show and guard -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "open_"), [("end", False), ("tell", True)])
async def test_specialist_who_does_not_come(world: Any, action: str, open_: bool) -> None:
    await rules(world, required_roles=["specialist"], no_show_seconds=600, no_show_action=action)
    await world.join(world.bill)
    await pass_time(world, 900)
    (told,) = await world.told("call.session_no_show")
    assert (told["roles"], told["action"]) == (["specialist"], action)
    assert (await session_of(world) is not None) is open_


async def test_extension_into_the_next_call_of_a_member(world: Any) -> None:
    await rules(world, back_to_back="refuse", extension={"steps_seconds": [300, 900]})
    data = {"created_by_id": "lecter", "members": [{"user_id": "lecter"}], "starts_at": world.at(4200)}
    await world.do(create.get_or_create_call, world.server, type="appointment", id="next", data=data)
    await world.join(world.lecter)
    with pytest.raises(errors.RunsIntoNextCall) as refused:
        await world.at_call(extend.extend_call, world.lecter, seconds=900)
    assert refused.value.facts["free_seconds"] == 600
    options = (await clock_of(world))["extension"]
    assert (options["steps_seconds"], options["free_seconds"]) == ([300], 600)
    await changes(world, world.server, back_to_back="warn")
    answer = await world.at_call(extend.extend_call, world.lecter, seconds=900)
    assert [warning["code"] for warning in answer.warnings] == ["runs-into-next-call"]


# -- policies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "code", "field"),
    [
        ({"pause_when_absent": ["nobody"]}, "unknown-role", "pause_when_absent"),
        ({"extension": {"consent_roles": ["x"]}}, "unknown-role", "extension.consent_roles"),
        ({"starts": "all_roles"}, "contradictory-setting", "required_roles"),
        ({"no_show_seconds": 60}, "contradictory-setting", "required_roles"),
        ({"max_wall_seconds": 60}, "contradictory-setting", "max_wall_seconds"),
        (
            {"extension": {"steps_seconds": [900], "max_total_seconds": 600}},
            "contradictory-setting",
            "extension.steps_seconds",
        ),
        ({"extension": {"maxcount": 1}}, "unknown-setting", "extension.maxcount"),
        ({"extension": {"max_count": -1}}, "limit-out-of-range", "extension.max_count"),
        ({"extension": {"steps_seconds": []}}, "invalid-value", "extension.steps_seconds"),
        ({"starts": "later"}, "invalid-value", "starts"),
    ],
)
async def test_policy_that_cannot_hold_is_refused_with_its_field(
    world: Any, limits: dict[str, Any], code: str, field: str
) -> None:
    for refusing in (lambda: rules(world, **limits), lambda: changes(world, world.lecter, **limits)):
        with pytest.raises(errors.InvalidInput) as refused:
            await refusing()
        assert (refused.value.code, refused.value.errors[0].field.partition("limits.")[2]) == (code, field)


async def test_cap_below_what_was_used_is_refused_with_the_least_value(world: Any) -> None:
    await world.join(world.lecter)
    await world.at_call(clock_by_hand.pause_clock, world.lecter)
    await pass_time(world, 100)
    await world.at_call(clock_by_hand.resume_clock, world.lecter)
    await world.at_call(extend.extend_call, world.lecter, seconds=60)
    for limits, field in (
        ({"max_pause_seconds": 99}, "max_pause_seconds"),
        ({"extension": {"max_total_seconds": 59}}, "extension.max_total_seconds"),
        ({"starts": "manual"}, "starts"),
    ):
        with pytest.raises(errors.LimitAlreadyUsed) as refused:
            await changes(world, world.server, **limits)
        assert refused.value.errors[0].field == f"settings_override.limits.{field}"
    await changes(world, world.server, max_pause_seconds=100)
    assert (await world.told("call.session_clock_changed"))[-1]["change"]["details"] == {
        "changed": {"max_pause_seconds": [900, 100]}
    }


async def test_policy_of_the_type_that_changes_later_leaves_a_running_session_alone(world: Any) -> None:
    await world.join(world.lecter)
    await rules(world, overtime_seconds=300, extension={"max_count": 0})
    await world.at_call(extend.extend_call, world.lecter, seconds=60)
    await changes(world, world.lecter, max_duration_seconds=3700)
    await pass_time(world, 3700)
    assert (await world.told("call.session_ended"))[0]["reason"] == "max_duration_reached"

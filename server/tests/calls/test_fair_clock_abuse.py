"""Ways around the policies of a clock: consent given to oneself, a limit taken away, a door passed."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.calls import (
    backstage,
    call_types,
    create,
    extend,
    extension_requests,
    join,
    members,
    presence,
    read,
    update,
)
from callclock_server.domain import errors
from callclock_server.storage import outbox


async def rules(world: Any, **limits: Any) -> None:
    await world.do(call_types.update_call_type, world.server, name="appointment", settings={"limits": limits})


async def total(world: Any, seconds: int | None) -> Any:
    changes = {"settings_override": {"limits": {"max_duration_seconds": seconds}}}
    return await world.at_call(update.update_call, world.lecter, changes=changes)


async def test_nobody_consents_to_what_they_grant_themselves(world: Any) -> None:
    """A role of both sides: two tutors who swap hours."""
    await rules(world, extension={"consent_roles": ["specialist", "patient"]})
    await world.join(world.lecter)
    await world.join(world.bill)
    asked = await world.at_call(extension_requests.request_extension, world.lecter, seconds=600)
    answer = await world.at_call(
        extension_requests.approve_request, world.lecter, request_id=asked.request["id"]
    )
    assert (answer.change, answer.offer["by"]) == (None, "lecter")
    assert answer.call["settings"]["limits"]["max_duration_seconds"] == 3600


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        ({"extension": {"max_count": 0}}, errors.ExtensionCountReached),
        ({"extension": {"steps_seconds": [600]}}, errors.ExtensionStepNotAllowed),
        ({"extension": {"max_total_seconds": 600}}, errors.ExtensionTotalReached),
        ({"extension": {"consent_roles": ["patient"]}}, errors.ConsentRequired),
    ],
)
async def test_limit_is_not_taken_away_around_the_policy(
    world: Any, policy: dict[str, Any], refusal: type[Exception]
) -> None:
    await rules(world, **policy)
    await world.join(world.lecter)
    with pytest.raises(refusal):
        await total(world, None)
    session = (await world.at_call(read.get_call, world.lecter)).call["session"]
    assert session["max_duration_seconds"] == 3600


async def test_limit_that_is_taken_away_counts_as_an_extension(world: Any) -> None:
    await rules(world, extension={"max_count": 1})
    await world.join(world.lecter)
    await total(world, None)
    await total(world, 7200)
    with pytest.raises(errors.ExtensionCountReached):
        await world.at_call(extend.extend_call, world.lecter, seconds=60)


async def test_old_media_token_does_not_lead_past_the_waiting_room(empty_world: Any) -> None:
    """A token outlives the stay that it was made for."""
    world = empty_world
    await world.set_up(engine="livekit")
    await world.do(
        call_types.update_call_type,
        world.server,
        name="appointment",
        grants={"specialist": ["join-call", "join-backstage"], "patient": ["join-call"]},
        settings={"backstage": {"enabled": True, "opens": "manual"}},
    )
    room = (await world.join(world.lecter)).room
    await world.at_call(backstage.go_live, world.lecter)
    await world.join(world.bill)
    async with world.database.write() as tx:
        assert await presence.media_joined(tx, room=room, identity="bill:default", sid="PA_1")
        assert await presence.media_left(tx, room=room, identity="bill:default", sid="PA_1")
    await world.at_call(backstage.stop_live, world.lecter)
    for waits in (False, True):
        if waits:
            assert (await world.join(world.bill)).waiting
        async with world.database.write() as tx:
            assert not await presence.media_joined(tx, room=room, identity="bill:default", sid=f"PA_{waits}")
            rows = await outbox.claim(tx, limit=20, lease_seconds=1)
        assert "participant.remove" in [row.kind for row in rows]


@pytest.mark.parametrize("seconds", [82_801, 2**62])
async def test_request_beyond_every_limit_is_refused_when_it_is_made(world: Any, seconds: int) -> None:
    await world.join(world.bill)
    with pytest.raises(errors.LimitOutOfRange):
        await world.at_call(extension_requests.request_extension, world.bill, seconds=seconds)


async def test_waiting_room_is_not_filled_by_one_user(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "MOST_DEVICES", 2)
    backstage_settings = {"backstage": {"enabled": True, "opens": "manual"}}
    await world.do(call_types.update_call_type, world.server, name="appointment", settings=backstage_settings)
    for device in ("phone", "desk", "phone"):
        assert (await world.join(world.bill, device_id=device)).waiting
    with pytest.raises(errors.CallFull):
        await world.join(world.bill, device_id="third")


@pytest.mark.parametrize("limits", [{"overtime_seconds": 600}, {"extension": {"consent_roles": []}}])
async def test_nobody_changes_the_rules_of_the_clock_that_they_play_by(
    world: Any, limits: dict[str, Any]
) -> None:
    await rules(world, extension={"consent_roles": ["patient"]})
    await world.join(world.lecter)
    await world.join(world.bill)
    change = {"settings_override": {"limits": limits}}
    with pytest.raises(errors.ServerTokenRequired):
        await world.at_call(update.update_call, world.lecter, changes=change)
    with pytest.raises(errors.ServerTokenRequired):
        await world.at_call(join.join_call, world.lecter, data=change)
    await world.at_call(update.update_call, world.server, changes=change)


async def test_nobody_hands_out_a_role_that_may_do_more_than_they(world: Any) -> None:
    grants = {"specialist": ["join-call", "update-call", "create-call"], "patient": ["join-call"]}
    extender = {**grants, "moderator": ["join-call", "change-max-duration"]}
    await world.do(call_types.update_call_type, world.server, name="appointment", grants=extender)
    mine = [{"user_id": "lecter", "role": "moderator"}]
    for attempt in (
        lambda: world.at_call(members.update_members, world.lecter, update_members=mine),
        lambda: world.at_call(join.join_call, world.lecter, data={"members": mine}),
        lambda: world.do(
            create.get_or_create_call, world.lecter, type="appointment", id="own", data={"members": mine}
        ),
    ):
        with pytest.raises(errors.MissingCapability) as refused:
            await attempt()
        assert refused.value.capability == "change-max-duration"
    lesser = [{"user_id": "bill", "role": "patient"}]
    await world.at_call(members.update_members, world.lecter, update_members=lesser)
    await world.at_call(members.update_members, world.server, update_members=mine)

"""Calls, members, joins: what the rules of the clock leave to them."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.calls import (
    call_types,
    create,
    delete,
    end,
    join,
    leave,
    members,
    presence,
    query,
    read,
    reopen,
    roles,
    update,
    users,
)
from callclock_server.domain import errors
from callclock_server.domain.permissions import Actor
from callclock_server.storage import outbox


async def promised(world: Any) -> list[tuple[str, dict[str, Any]]]:
    async with world.database.write() as tx:
        return [(row.kind, row.payload) for row in await outbox.claim(tx, limit=100, lease_seconds=0)]


async def test_events_of_a_call_count_without_gaps_and_carry_the_state(world: Any) -> None:
    await world.join(world.lecter)
    await world.join(world.bill)
    await world.at_call(end.end_call, world.lecter)
    events = await world.told()
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["call"]["last_event_id"] == event["id"] for event in events)
    assert (await world.kinds()) == [
        "created",
        "session_started",
        "session_participant_joined",
        "session_participant_joined",
        "ended",
        "session_ended",
    ]
    assert events[-1]["reason"] == "ended_by_user"
    assert events[-1]["user"]["id"] == "lecter"


async def test_ending_again_changes_nothing(world: Any) -> None:
    first = await world.at_call(end.end_call, world.lecter)
    world.clock.advance(5)
    assert (await world.at_call(end.end_call, world.lecter)).call == first.call


async def test_existing_call_is_returned_unchanged(world: Any) -> None:
    data = {"custom": {"x": 1}, "settings_override": {"limits": {"max_duration_seconds": 5}}}
    answer = await world.at_call(create.get_or_create_call, world.bill, data=data)
    assert (answer.created, answer.call["custom"], answer.call["settings_override"]) == (False, {}, {})


async def test_deleted_call_is_gone_and_made_again_goes_on_counting(world: Any) -> None:
    await world.join(world.bill)
    await world.at_call(delete.delete_call, world.server)
    with pytest.raises(errors.CallNotFound):
        await world.at_call(read.get_call, world.server)
    assert (await world.kinds())[-2:] == ["session_ended", "deleted"]
    await world.at_call(create.get_or_create_call, world.server, data={"created_by_id": "lecter"})
    ids = [event["id"] for event in await world.told()]
    assert ids == list(range(1, len(ids) + 1))


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({"members": [{"user_id": "nobody"}]}, "unknown-user-reference", "data.members.0.user_id"),
        ({"members": [{"user_id": "bill", "role": "nope"}]}, "unknown-role", "data.members.0.role"),
        ({"members": [{"role": "host"}]}, "missing-field", "data.members.0.user_id"),
        ({"members": [{"user_id": "a b"}]}, "invalid-id", "data.members.0.user_id"),
        ({"members": [{"user_id": "bill"}, {"user_id": "bill"}]}, "invalid-value", "data.members.1.user_id"),
        ({"created_by_id": "nobody"}, "unknown-user-reference", "data.created_by_id"),
        ({}, "missing-field", "data.created_by_id"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "time-in-past", "data.starts_at"),
        ({"starts_at": "2027-01-01T00:00:00"}, "naive-time", "data.starts_at"),
        ({"starts_at": "soon"}, "invalid-value", "data.starts_at"),
        ({"custom": {"x": "y" * 20_000}}, "invalid-value", "data.custom"),
        ({"color": 1}, "unknown-field", "data.color"),
    ],
)
async def test_bad_data_is_refused_and_creates_nothing(world: Any, data: Any, code: str, field: str) -> None:
    if field != "data.created_by_id":
        data = {"created_by_id": "lecter", **data}
    with pytest.raises(errors.InvalidInput) as refused:
        await world.at_call(create.get_or_create_call, world.server, id="new", data=data)
    assert (refused.value.code, refused.value.errors[0].field) == (code, field)
    with pytest.raises(errors.CallNotFound):
        await world.at_call(read.get_call, world.server, id="new")


async def test_unknown_call_type_and_bad_ids_are_named(world: Any) -> None:
    with pytest.raises(errors.CallTypeNotFound):
        await world.at_call(create.get_or_create_call, world.server, type="nope")
    with pytest.raises(errors.InvalidId):
        await world.at_call(read.get_call, world.server, id="a/b")


async def test_join_with_terms_that_the_joiner_has_no_right_to_is_refused_whole(world: Any) -> None:
    terms = {"settings_override": {"limits": {"max_duration_seconds": 7200}}}
    with pytest.raises(errors.MissingCapability):
        await world.join(world.bill, data=terms)
    assert await world.kinds() == ["created"]
    joined = await world.join(world.lecter, data=terms)
    assert joined.call["session"]["max_duration_seconds"] == 7200


async def test_join_can_create_the_call(world: Any) -> None:
    joined = await world.join(world.lecter, id="fresh", create=True, data={"members": [{"user_id": "bill"}]})
    assert joined.created
    assert {member["user_id"] for member in joined.members} == {"lecter", "bill"}
    assert (await world.join(world.bill, id="fresh", create=True)).session_id == joined.session_id


async def test_full_call_refuses_one_more_but_not_a_reload(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(max_participants=1)
    await world.join(world.bill, device_id="one")
    await world.join(world.bill, device_id="one")
    with pytest.raises(errors.CallFull):
        await world.join(world.lecter)


async def test_backstage_lets_others_in_only_when_the_call_opens(world: Any) -> None:
    settings = {"backstage": {"enabled": True, "join_ahead_time_seconds": 300}}
    await world.do(call_types.update_call_type, world.server, name="appointment", settings=settings)
    await world.at_call(update.update_call, world.lecter, changes={"starts_at": world.at(3600)})
    assert (await world.join(world.bill)).waiting
    world.clock.advance(3300)
    assert not (await world.join(world.bill)).waiting


async def test_server_joins_for_a_user_with_that_users_rights(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    joined = await world.join(world.server, user_id="bill", device_id="kiosk")
    assert (joined.identity, joined.sources) == ("bill:kiosk", ["microphone", "camera"])
    assert "update-call" not in joined.own_capabilities
    with pytest.raises(errors.UnknownUserReference):
        await world.join(world.server, user_id="nobody")
    with pytest.raises(errors.ServerTokenRequired):
        await world.join(world.bill, user_id="lecter")


async def test_removed_member_is_put_out_of_a_running_call_of_members(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    joined = await world.join(world.bill)
    async with world.database.write() as tx:
        await presence.media_joined(tx, room=joined.session_id, identity="bill:default")
    await world.join(world.lecter)
    await world.at_call(members.update_members, world.lecter, remove_members=["bill"])
    assert (await world.kinds())[-2:] == ["member_removed", "session_participant_left"]
    removal = {"room": joined.session_id, "cluster": None, "identity": "bill:default"}
    assert ("participant.remove", removal) in await promised(world)
    with pytest.raises(errors.CallNotFound):
        await world.join(world.bill)


async def test_capability_taken_away_reaches_the_user_and_the_media_room(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(engine="livekit")
    joined = await world.join(world.bill)
    grants = {"patient": ["join-call", "send-audio"]}
    await world.do(call_types.update_call_type, world.server, name="appointment", grants=grants)
    (told,) = await world.told("call.permissions_updated")
    assert (told["user"]["id"], told["own_capabilities"]) == (
        "bill",
        ["join-call", "read-call", "send-audio"],
    )
    permissions = {
        "room": joined.session_id,
        "cluster": None,
        "identity": "bill:default",
        "sources": ["microphone"],
    }
    assert ("participant.permissions", permissions) in await promised(world)


async def test_changed_role_of_user_or_member_is_told(world: Any) -> None:
    await world.join(world.bill)
    await world.do(users.upsert_users, world.server, users={"bill": {"id": "bill", "role": "specialist"}})
    specialist = [{"user_id": "bill", "role": "patient"}]
    await world.do(users.upsert_users, world.server, users={"bill": {"id": "bill", "role": "patient"}})
    await world.at_call(members.update_members, world.lecter, update_members=specialist)
    told = await world.told("call.permissions_updated")
    assert ["end-call" in event["own_capabilities"] for event in told] == [True, False]
    host = [{"user_id": "bill", "role": "specialist"}]
    answer = await world.at_call(members.update_members, world.lecter, update_members=host)
    assert len(await world.told("call.permissions_updated")) == 3
    assert answer.call["session"]["participants_count_by_role"] == {"specialist": 1}


async def test_deleted_user_leaves_everywhere_and_the_record_stays(world: Any) -> None:
    joined = await world.join(world.bill)
    world.clock.advance(60)
    await world.do(users.delete_user, world.server, user_id="bill")
    assert (await world.kinds())[-2:] == ["member_removed", "session_participant_left"]
    record = await world.at_call(read.get_record, world.server, session_id=joined.session_id)
    assert record["participants"][0]["present_seconds"] == 60.0
    with pytest.raises(errors.UnknownUser):
        await world.join(world.bill)


async def test_what_is_built_in_or_in_use_cannot_be_deleted(world: Any) -> None:
    with pytest.raises(errors.BuiltIn):
        await world.do(roles.delete_role, world.server, name="user")
    with pytest.raises(errors.RoleInUse):
        await world.do(roles.delete_role, world.server, name="patient")
    with pytest.raises(errors.BuiltIn):
        await world.do(call_types.delete_call_type, world.server, name="default")
    with pytest.raises(errors.CallTypeInUse):
        await world.do(call_types.delete_call_type, world.server, name="appointment")
    with pytest.raises(errors.AlreadyExists):
        await world.do(roles.create_role, world.server, name="patient")


async def test_unknown_names_in_a_call_type_are_refused(world: Any) -> None:
    for grants, code in (({"nope": []}, "unknown-role"), ({"user": ["fly"]}, "unknown-capability")):
        with pytest.raises(errors.InvalidInput) as refused:
            await world.do(call_types.create_call_type, world.server, name="x", grants=grants)
        assert refused.value.code == code


async def test_patched_call_type_merges_and_null_leads_back_to_the_default(world: Any) -> None:
    settings = {"limits": {"max_duration_seconds": None, "max_participants": 5}}
    view = await world.do(call_types.update_call_type, world.server, name="appointment", settings=settings)
    assert view["settings_override"] == {"limits": {"max_participants": 5}, "media": {"engine": "none"}}
    assert view["grants"]["patient"] == ["join-call", "send-video", "send-audio"]


async def test_query_pages_through_everything_once_in_order(world: Any) -> None:
    for number in range(7):
        world.clock.advance(1)
        data = {
            "created_by_id": "lecter",
            "members": [{"user_id": "bill"}],
            "custom": {"n": number, "even": number % 2 == 0},
        }
        await world.at_call(create.get_or_create_call, world.server, id=f"q{number}", data=data)
    for sort in (None, [{"field": "starts_at", "direction": 1}], [{"field": "created_at", "direction": 1}]):
        seen, cursor = [], None
        while True:
            page = await world.do(query.query_calls, world.bill, sort=sort, limit=3, next=cursor)
            seen += [answer.call["cid"] for answer in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 8
        if sort is None:
            assert seen[0] == "appointment:q6"


async def test_query_filters(world: Any) -> None:
    async def found(**given: Any) -> set[str]:
        page = await world.do(query.query_calls, world.server, filter=given)
        return {answer.call["id"] for answer in page.items}

    data = {
        "created_by_id": "bill",
        "members": [{"user_id": "stranger"}],
        "custom": {"n": 2, "vip": True, "ward": "b"},
    }
    await world.at_call(create.get_or_create_call, world.server, id="a2", data=data)
    ends_at = world.at(3600)
    await world.join(world.bill)
    before, after = world.at(3599).isoformat(), world.at(3601).isoformat()
    assert await found(timer_ends_at={"$gt": before, "$lt": after}) == {"a1"}
    assert await found(timer_ends_at=ends_at.isoformat()) == {"a1"}
    assert await found(timer_ends_at={"$lte": before}) == set()
    assert await found(ongoing=True) == {"a1"}
    assert await found(ongoing=False) == {"a2"}
    assert await found(members={"$in": ["stranger", "nobody"]}) == {"a2"}
    assert await found(created_by="bill") == {"a2"}
    assert await found(type="appointment", cid={"$in": ["appointment:a1"]}) == {"a1"}
    assert await found(**{"custom.ward": "b"}) == {"a2"}
    assert await found(**{"custom.n": {"$gte": 2}}) == {"a2"}
    assert await found(**{"custom.vip": True}) == {"a2"}
    assert await found(**{"custom.ward": {"$in": ["a", "c"]}}) == set()
    await world.at_call(end.end_call, world.server)
    assert await found(ended=True) == {"a1"}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"filter": {"color": 1}}, errors.InvalidFilter),
        ({"filter": {"type": {"$near": 1}}}, errors.InvalidFilter),
        ({"filter": {"type": {"$in": []}}}, errors.InvalidFilter),
        ({"filter": {"ongoing": "yes"}}, errors.InvalidFilter),
        ({"filter": {"created_at": {"$gt": "2026-01-01T00:00:00"}}}, errors.NaiveTime),
        ({"filter": {"custom.a": {"$in": [1, "a"]}}}, errors.InvalidFilter),
        ({"sort": [{"field": "name"}]}, errors.InvalidFilter),
        ({"sort": [{"field": "created_at", "direction": 0}]}, errors.InvalidFilter),
        ({"next": "nonsense"}, errors.InvalidCursor),
        ({"limit": 0}, errors.InvalidInput),
        ({"limit": 101}, errors.InvalidInput),
    ],
)
async def test_bad_query_is_refused(world: Any, given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await world.do(query.query_calls, world.server, **given)


async def test_sessions_are_listed_newest_first_page_by_page(world: Any) -> None:
    ids = []
    for _ in range(3):
        ids.append((await world.join(world.bill, id="a1")).session_id)
        await world.at_call(leave.leave_call, world.bill)
        await world.at_call(end.end_call, world.server)
        await world.at_call(reopen.reopen_call, world.server)
        world.clock.advance(1)
    first = await world.at_call(read.list_sessions, world.bill, limit=2)
    rest = await world.at_call(read.list_sessions, world.bill, limit=2, next=first.next)
    assert [session["id"] for session in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None
    with pytest.raises(errors.SessionNotFound):
        await world.at_call(read.get_session, world.bill, session_id="ses_other")


async def test_users_are_paged_and_keep_what_was_not_given(world: Any) -> None:
    await world.do(
        users.upsert_users, world.server, users={"bill": {"id": "bill", "image": "https://x/y.png"}}
    )
    page = await world.do(users.list_users, world.server, limit=2)
    rest = await world.do(users.list_users, world.server, limit=2, next=page.next)
    assert [user["id"] for user in (*page.items, *rest.items)] == ["bill", "lecter", "stranger"]
    assert (page.items[0]["name"], page.items[0]["role"], page.items[0]["image"]) == (
        "Bill",
        "patient",
        "https://x/y.png",
    )
    with pytest.raises(errors.UnknownRole):
        await world.do(users.upsert_users, world.server, users={"x": {"id": "x", "role": "nope"}})
    with pytest.raises(errors.InvalidId):
        await world.do(users.upsert_users, world.server, users={"x": {"id": "y"}})


async def test_join_needs_no_membership_on_an_open_type(world: Any) -> None:
    await world.do(users.upsert_users, world.server, users={"u": {"id": "u"}})
    open_call = {"type": "default", "id": "open", "create": True}
    joined = await world.do(join.join_call, Actor("u"), **open_call)
    assert joined.call["session"]["timer_ends_at"] is None

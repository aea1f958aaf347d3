"""Who may do what, and what strangers learn: nothing."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.calls import (
    call_types,
    create,
    delete,
    end,
    extend,
    join,
    leave,
    members,
    query,
    read,
    reopen,
    roles,
    update,
    users,
)
from callclock_server.domain import errors
from callclock_server.domain.permissions import Actor

AT_CALL: list[tuple[Any, dict[str, Any]]] = [
    (read.get_call, {}),
    (read.list_sessions, {}),
    (read.get_ledger, {"session_id": "x"}),
    (update.update_call, {"changes": {"custom": {}}}),
    (join.join_call, {}),
    (leave.leave_call, {}),
    (end.end_call, {}),
    (extend.extend_call, {"seconds": 60}),
    (reopen.reopen_call, {}),
    (members.update_members, {"update_members": [{"user_id": "stranger"}]}),
]


@pytest.mark.parametrize(("use_case", "given"), AT_CALL)
async def test_stranger_cannot_tell_a_call_of_members_from_no_call(
    world: Any, use_case: Any, given: Any
) -> None:
    for call_id in ("a1", "missing"):
        with pytest.raises(errors.CallNotFound):
            await world.at_call(use_case, world.stranger, **{**given, "id": call_id})


async def test_stranger_who_tries_to_create_hears_the_same_of_every_call(world: Any) -> None:
    for call_id in ("a1", "missing"):
        for use_case, given in ((create.get_or_create_call, {}), (join.join_call, {"create": True})):
            with pytest.raises(errors.MissingCapability) as refused:
                await world.at_call(use_case, world.stranger, id=call_id, **given)
            assert refused.value.capability == "create-call"


@pytest.mark.parametrize(("use_case", "given"), AT_CALL)
async def test_token_for_other_calls_is_refused(world: Any, use_case: Any, given: Any) -> None:
    other = Actor("bill", call_cids=frozenset({"appointment:a2"}))
    with pytest.raises(errors.TokenNotForCall):
        await world.at_call(use_case, other, **given)


async def test_token_of_an_unknown_user_is_refused(world: Any) -> None:
    with pytest.raises(errors.UnknownUser):
        await world.at_call(read.get_call, Actor("nobody"))
    async with world.database.read() as tx:
        with pytest.raises(errors.UnknownUser):
            await users.require_user(tx, Actor("nobody"))


@pytest.mark.parametrize(
    ("use_case", "given", "capability"),
    [
        (end.end_call, {}, "end-call"),
        (extend.extend_call, {"seconds": 60}, "change-max-duration"),
        (reopen.reopen_call, {}, "join-ended-call"),
        (update.update_call, {"changes": {"custom": {"a": 1}}}, "update-call"),
        (update.update_call, {"changes": {"starts_at": None}}, "update-call"),
        (
            update.update_call,
            {"changes": {"settings_override": {"video": {"enabled": False}}}},
            "update-call-settings",
        ),
        (
            update.update_call,
            {"changes": {"settings_override": {"limits": {"max_duration_seconds": 5}}}},
            "change-max-duration",
        ),
        (members.update_members, {"update_members": [{"user_id": "stranger"}]}, "update-call"),
        (members.update_members, {"remove_members": ["lecter"]}, "update-call"),
    ],
)
async def test_member_without_the_capability_is_refused_and_nothing_changes(
    world: Any, use_case: Any, given: Any, capability: str
) -> None:
    await world.join(world.bill)
    before = await world.kinds()
    with pytest.raises(errors.MissingCapability) as refused:
        await world.at_call(use_case, world.bill, **given)
    assert refused.value.capability == capability
    assert await world.kinds() == before


@pytest.mark.parametrize(
    ("use_case", "given"),
    [
        (roles.create_role, {"name": "x"}),
        (roles.delete_role, {"name": "patient"}),
        (call_types.create_call_type, {"name": "x"}),
        (call_types.get_call_type, {"name": "appointment"}),
        (call_types.update_call_type, {"name": "appointment"}),
        (call_types.delete_call_type, {"name": "appointment"}),
        (call_types.list_call_types, {}),
        (users.upsert_users, {"users": {}}),
        (users.list_users, {}),
        (users.delete_user, {"user_id": "bill"}),
        (delete.delete_call, {"type": "appointment", "id": "a1"}),
    ],
)
async def test_only_a_server_token_administers(world: Any, use_case: Any, given: Any) -> None:
    with pytest.raises(errors.ServerTokenRequired):
        await world.do(use_case, world.lecter, **given)


async def test_user_sees_only_their_own_user(world: Any) -> None:
    assert (await world.do(users.get_user, world.bill, user_id="bill"))["name"] == "Bill"
    with pytest.raises(errors.UserNotFound):
        await world.do(users.get_user, world.bill, user_id="lecter")


async def test_query_finds_only_what_may_be_read(world: Any) -> None:
    async def cids(by: Actor, **given: Any) -> set[str]:
        page = await world.do(query.query_calls, by, **given)
        return {answer.call["cid"] for answer in page.items}

    open_call = {"type": "default", "id": "open", "data": {"created_by_id": "lecter"}}
    await world.do(create.get_or_create_call, world.server, **open_call)
    # Roles `specialist` and `patient` have no grants on the built-in type: an open type is not readable by
    # that alone.
    assert await cids(world.bill) == {"appointment:a1"}
    assert await cids(world.stranger) == set()
    assert await cids(world.server) == {"appointment:a1", "default:open"}
    assert await cids(Actor("bill", call_cids=frozenset())) == set()
    as_guest = [{"user_id": "stranger", "role": "guest"}]
    await world.do(members.update_members, world.server, type="default", id="open", update_members=as_guest)
    assert await cids(world.stranger) == {"default:open"}


async def test_creator_with_a_user_token_becomes_a_member(world: Any) -> None:
    answer = await world.at_call(create.get_or_create_call, world.lecter, id="own")
    assert [member["user_id"] for member in answer.members] == ["lecter"]
    assert answer.call["created_by"]["id"] == "lecter"
    assert answer.created
    assert "change-max-duration" in answer.own_capabilities


async def test_nobody_grants_themselves_rights_by_a_member_role_of_their_own(world: Any) -> None:
    await world.do(roles.create_role, world.server, name="booker")
    grants = {"booker": ["create-call", "join-call"]}
    await world.do(call_types.update_call_type, world.server, name="appointment", grants=grants)
    await world.do(users.upsert_users, world.server, users={"bob": {"id": "bob", "role": "booker"}})
    data = {
        "members": [{"user_id": "bob", "role": "specialist"}],
        "settings_override": {"limits": {"max_duration_seconds": 9000}},
    }
    with pytest.raises(errors.MissingCapability):
        await world.at_call(create.get_or_create_call, Actor("bob"), id="mine", data=data)

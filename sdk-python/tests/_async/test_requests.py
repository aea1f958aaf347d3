"""What is sent, what is read, and what is sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import httpx
import jwt
import pytest

from callclock import (
    AsyncStreamClient,
    AuthenticationError,
    Conflict,
    ConnectionFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
    User,
)

CALL = {"call": {"cid": "appointment:visit", "type": "appointment", "id": "visit"}, "members": []}


async def test_request_carries_key_and_a_short_lived_server_token(api, client, credentials) -> None:
    api.will_answer({"roles": []})
    await client.list_roles()
    [request] = api.requests
    assert request.headers["X-Api-Key"] == credentials[0]
    claims = jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), credentials[1], ["HS256"])
    assert claims["server"] is True
    assert 0 < claims["exp"] - datetime.now(UTC).timestamp() <= 60


async def test_read_has_no_idempotency_key_and_every_write_its_own(api, client) -> None:
    api.will_answer({"roles": []})
    api.will_answer({"role": {"name": "a"}}, status=201)
    api.will_answer({"role": {"name": "b"}}, status=201)
    await client.list_roles()
    await client.create_role("a")
    await client.create_role("b")
    read, first, second = [request.headers.get("Idempotency-Key") for request in api.requests]
    assert read is None
    assert first
    assert second
    assert first != second


async def test_repeated_write_keeps_its_key(api, client) -> None:
    api.will_fail(httpx.ReadError("gone"))
    api.will_refuse(503, "not-ready")
    api.will_answer({"role": {"name": "a"}}, status=201)
    assert (await client.create_role("a")).name == "a"
    assert len({request.headers["Idempotency-Key"] for request in api.requests}) == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_passing_trouble_is_tried_again(api, client, status: int) -> None:
    api.answers.append(httpx.Response(status, text="<html>busy</html>"))
    api.will_answer({"roles": [{"name": "user", "built_in": True}]})
    assert [role.name for role in await client.list_roles()] == ["user"]


async def test_internal_error_is_not_tried_again(api, client) -> None:
    api.will_refuse(500, "internal")
    with pytest.raises(ServerError) as caught:
        await client.list_roles()
    assert caught.value.code == "internal"
    assert len(api.requests) == 1


async def test_trying_again_has_an_end(api, client) -> None:
    for _ in range(3):
        api.will_refuse(503, "media-unavailable")
    with pytest.raises(ServerError, match="media-unavailable"):
        await client.list_roles()
    assert api.answers == []


async def test_connection_that_never_works_is_connection_failed(api, client) -> None:
    for _ in range(3):
        api.will_fail(httpx.ConnectError("refused"))
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:8000 cannot be reached"):
        await client.list_roles()


async def test_silence_is_timed_out(api, client) -> None:
    for _ in range(3):
        api.will_fail(httpx.ReadTimeout("slow"))
    with pytest.raises(TimedOut):
        await client.list_roles()


async def test_short_retry_after_is_waited_for_and_a_long_one_is_told(api, client) -> None:
    api.will_refuse(429, "rate-limited", headers={"Retry-After": "0"})
    api.will_refuse(429, "rate-limited", headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as caught:
        await client.list_roles()
    assert caught.value.retry_after_seconds == 3600
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, InvalidInput),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFound),
        (409, Conflict),
        (413, InvalidInput),
        (415, InvalidInput),
        (422, InvalidInput),
    ],
)
async def test_refusal_is_the_error_of_its_status(
    api, client, status: int, expected: type[Exception]
) -> None:
    api.will_refuse(status, "some-code", title="Title", detail="A sentence.")
    with pytest.raises(expected) as caught:
        await client.get_user("bill")
    error = caught.value
    assert type(error) is expected
    assert (error.code, error.status, error.title) == ("some-code", status, "Title")
    assert (error.detail, error.request_id) == ("A sentence.", "r-1")


async def test_refusal_names_fields_and_the_missing_capability(api, client) -> None:
    api.will_refuse(
        422, "unknown-setting", errors=[{"field": "settings.x", "detail": "Unknown.", "code": "c"}]
    )
    api.will_refuse(403, "missing-capability", capability="end-call")
    with pytest.raises(InvalidInput, match=r"settings\.x: Unknown") as invalid:
        await client.video.create_call_type("t", settings={"x": 1})
    assert [error.field for error in invalid.value.errors] == ["settings.x"]
    with pytest.raises(PermissionDenied) as denied:
        await client.video.call("appointment", "visit").end()
    assert denied.value.missing_capability == "end-call"


@pytest.mark.parametrize("status", [200, 404])
async def test_other_server_is_told_from_callclock(api, client, status: int) -> None:
    api.answers.append(httpx.Response(status, text="<html>a router's page</html>"))
    with pytest.raises(UnexpectedAnswer, match="Is the URL right"):
        await client.list_roles()


async def test_answer_that_lacks_what_it_must_have_is_unexpected(api, client) -> None:
    api.will_answer({"call": {"cid": "a:b"}})
    with pytest.raises(UnexpectedAnswer, match="CallState without `type`"):
        await client.video.call("a", "b").get()


async def test_slow_clock_is_corrected_by_the_server_time(api, client) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    api.will_refuse(401, "token-expired", server_time=ahead.isoformat())
    api.will_answer({"roles": []})
    await client.list_roles()
    token = api.requests[1].headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert abs(claims["exp"] - ahead.timestamp() - 60) < 5


async def test_wrong_secret_is_not_mistaken_for_a_slow_clock(api, client) -> None:
    api.will_refuse(401, "invalid-token")
    with pytest.raises(AuthenticationError):
        await client.list_roles()
    assert len(api.requests) == 1


async def test_ids_are_escaped_in_paths(api, client) -> None:
    api.will_answer({"user": {"id": "a@b"}})
    api.will_answer(CALL)
    await client.get_user("a@b")
    await client.video.call("odd/type", "..").get()
    assert [request.url.raw_path.decode() for request in api.requests] == [
        "/v1/users/a@b",
        "/v1/calls/odd%2Ftype/%2E%2E",
    ]


async def test_empty_id_is_refused_before_anything_is_sent(api, client) -> None:
    with pytest.raises(ValueError, match="id is empty"):
        await client.video.call("appointment", "").get()
    assert api.requests == []


@pytest.mark.parametrize(
    "users",
    [
        ({"bill": {"name": "Bill"}},),
        ({"bill": {"id": "bill", "name": "Bill"}},),
        ([{"id": "bill", "name": "Bill"}],),
        ({"id": "bill", "name": "Bill"},),
    ],
    ids=["by id", "by id, twice named", "list", "one"],
)
async def test_users_are_taken_in_every_form(api, client, users: tuple[object, ...]) -> None:
    api.will_answer({"users": {"bill": {"id": "bill", "name": "Bill", "role": "user"}}})
    answer = await client.upsert_users(*users)
    assert api.bodies() == [{"users": {"bill": {"id": "bill", "name": "Bill"}}}]
    assert answer["bill"] == User(id="bill", name="Bill")


async def test_user_objects_go_back_as_they_came(api, client) -> None:
    api.will_answer({"users": {}})
    await client.upsert_users(User(id="bill", name="Bill", role="patient", custom={"a": 1}), User(id="ann"))
    assert api.bodies()[0]["users"]["bill"] == {
        "id": "bill",
        "name": "Bill",
        "role": "patient",
        "custom": {"a": 1},
    }
    assert set(api.bodies()[0]["users"]) == {"bill", "ann"}


async def test_times_are_sent_with_their_offset_and_read_in_utc(api, client) -> None:
    api.will_answer({"call": CALL["call"] | {"starts_at": "2026-11-23T13:00:00.123456+01:00"}})
    starts_at = datetime(2026, 11, 23, 13, tzinfo=timezone(timedelta(hours=1)))
    details = await client.video.call("appointment", "visit").update(starts_at=starts_at)
    assert api.bodies() == [{"starts_at": "2026-11-23T13:00:00+01:00"}]
    assert details.call.starts_at == datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


async def test_unknown_keys_are_kept_aside(api, client) -> None:
    api.will_answer({"call": CALL["call"] | {"mood": "calm", "settings": {"limits": {"tea_seconds": 60}}}})
    call = (await client.video.call("appointment", "visit").get()).call
    assert call.extra == {"mood": "calm"}
    assert call.settings.limits.extra == {"tea_seconds": 60}


async def test_extension_without_a_key_gets_one(api, client) -> None:
    change = {"id": "1", "session_id": "s", "how": "extend", "at": "2026-11-23T13:00:00Z", "seconds": 60}
    for _ in range(3):
        api.will_answer({"call": CALL["call"], "change": change})
    call = client.video.call("appointment", "visit")
    await call.extend(60)
    await call.extend(60, reason="late")
    await call.extend(60, idempotency_key="mine")
    first, second, third = api.bodies()
    assert first["idempotency_key"] != second["idempotency_key"]
    assert second["reason"] == "late"
    assert third == {"seconds": 60, "idempotency_key": "mine"}


async def test_iter_calls_follows_the_cursor(api, client) -> None:
    def entry(id: str) -> dict[str, object]:
        return {"call": {"cid": f"a:{id}", "type": "a", "id": id}, "members": [], "own_capabilities": []}

    api.will_answer({"calls": [entry("1"), entry("2")], "next": "more"})
    api.will_answer({"calls": [entry("3")], "next": None})
    found = [details.call.id async for details in client.video.iter_calls(filter={"type": "a"}, page_size=2)]
    assert found == ["1", "2", "3"]
    assert api.bodies() == [
        {"filter": {"type": "a"}, "limit": 2},
        {"filter": {"type": "a"}, "limit": 2, "next": "more"},
    ]


async def test_media_token_is_not_shown(api, client) -> None:
    participant = {"id": "p", "user_id": "bill"}
    api.will_answer(CALL | {"participant": participant, "media": {"url": "ws://x", "token": "very secret"}})
    joined = await client.video.call("appointment", "visit").join(user_id="bill", device_id="tab")
    assert joined.media
    assert joined.media.token == "very secret"
    assert "very secret" not in repr(joined)


async def test_nothing_shows_the_secret(client, credentials) -> None:
    shown = f"{client!r} {client.video!r} {vars(client)!r} {vars(client._http)!r}"
    assert credentials[1] not in shown
    assert credentials[0] in repr(client)


@pytest.mark.parametrize(
    ("key", "secret", "base_url"), [("", "s", "http://h"), ("k", "", "http://h"), ("k", "s", "h:8000")]
)
def test_unusable_arguments_are_refused_at_once(key: str, secret: str, base_url: str) -> None:
    with pytest.raises(ValueError, match=r"empty|base_url"):
        AsyncStreamClient(key, secret, base_url=base_url)


async def test_test_clock_is_moved_on_to_a_moment(api, client) -> None:
    api.will_answer({"test_clock": {"now": "2026-01-05T09:00:00.000000Z"}})
    api.will_answer({"test_clock": {"now": "2026-01-05T10:00:00.500000Z"}})
    moment = datetime(2026, 1, 5, 10, 0, 0, 500_000, tzinfo=UTC)
    assert await client.test_clock.advance_to(moment) == moment
    assert json.loads(api.requests[-1].content) == {"seconds": 3600.5}


async def test_test_clock_does_not_go_back(api, client) -> None:
    api.will_answer({"test_clock": {"now": "2026-01-05T09:00:00.000000Z"}})
    with pytest.raises(ValueError, match="never goes back"):
        await client.test_clock.advance_to(datetime(2026, 1, 5, 8, 59, 59, tzinfo=UTC))
    with pytest.raises(ValueError, match="no offset"):
        await client.test_clock.advance_to(datetime(2026, 1, 5, 10))  # noqa: DTZ001
    assert len(api.requests) == 1

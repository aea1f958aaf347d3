"""The SDK against the real server over a socket: the story of an appointment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from callclock import (
    AuthenticationError,
    CallEnded,
    Conflict,
    InvalidInput,
    NotFound,
    SessionClockChanged,
    SessionEnded,
    StateRefreshed,
    StreamClient,
    VideoOwnCapability,
)

testing = pytest.importorskip("callclock_server.testing", reason="the server is not installed")

SPECIALIST = [
    VideoOwnCapability.JOIN_CALL,
    VideoOwnCapability.SEND_AUDIO,
    VideoOwnCapability.SEND_VIDEO,
    VideoOwnCapability.UPDATE_CALL,
    VideoOwnCapability.UPDATE_CALL_SETTINGS,
]
PATIENT = [VideoOwnCapability.JOIN_CALL, VideoOwnCapability.SEND_AUDIO, VideoOwnCapability.SEND_VIDEO]


@pytest.fixture(scope="module")
def server() -> Iterator[testing.RunningServer]:
    with (
        testing.running_server() as server,
        StreamClient(server.api_key, server.secret, base_url=server.url) as c,
    ):
        for role in ("specialist", "patient"):
            c.create_role(role)
        c.upsert_users({"dr-lecter": {"role": "specialist"}, "bill": {"role": "patient"}})
        c.video.create_call_type(
            "visit",
            grants={"specialist": SPECIALIST, "patient": PATIENT},
            settings={"limits": {"max_duration_seconds": 3600}, "media": {"engine": "none"}},
        )
        yield server


@pytest.fixture
def client(server) -> Iterator[StreamClient]:
    with StreamClient(server.api_key, server.secret, base_url=server.url) as client:
        yield client


def book(client: StreamClient, id: str, **data: object):
    """A call with both of them in it."""
    call = client.video.call("visit", id)
    members = [{"user_id": "dr-lecter"}, {"user_id": "bill"}]
    call.create(data={"created_by_id": "dr-lecter", "members": members} | data)
    return call


def as_user(server, client: StreamClient, user_id: str, **restrictions: object) -> dict[str, str]:
    """Headers of a request that a user's browser would make."""
    token = client.create_token(user_id, **restrictions)
    return {"Authorization": f"Bearer {token}", "X-Api-Key": server.api_key}


def test_tutorial_script_sets_up_an_hour_with_a_specialist_and_a_patient() -> None:
    with testing.running_server() as server:
        api_key, secret = server.api_key, server.secret
        client = StreamClient(api_key, secret, base_url=server.url)

        client.create_role("specialist")
        client.create_role("patient")

        client.video.create_call_type(
            "appointment",
            grants={"specialist": SPECIALIST, "patient": PATIENT},
            settings={"limits": {"max_duration_seconds": 3600}},
        )

        client.upsert_users(
            {
                "dr-lecter": {"id": "dr-lecter", "name": "Dr. Hannibal Lecter", "role": "specialist"},
                "bill": {"id": "bill", "name": "Buffalo Bill", "role": "patient"},
            }
        )

        client.video.call("appointment", "test-call").create(
            data={
                "members": [{"user_id": "dr-lecter"}, {"user_id": "bill"}],
                "created_by_id": "dr-lecter",
            },
        )

        kind = client.video.get_call_type("appointment")
        assert set(kind.grants["specialist"]) == set(SPECIALIST)
        assert set(kind.grants["patient"]) == set(PATIENT)
        assert kind.members_only
        details = client.video.call("appointment", "test-call").get()
        assert details.call.settings.limits.max_duration_seconds == 3600
        assert details.call.created_by.name == "Dr. Hannibal Lecter"
        assert {member.user_id for member in details.members} == {"dr-lecter", "bill"}
        client.close()


def test_call_is_created_once_and_then_returned_unchanged(client) -> None:
    call = client.video.call("visit", "once")
    first = call.create(data={"created_by_id": "dr-lecter", "custom": {"room": 4}})
    second = call.get_or_create(data={"created_by_id": "bill", "custom": {"room": 5}})
    assert (first.created, second.created) == (True, False)
    assert second.call.custom == {"room": 4}


def test_join_starts_the_clock_and_a_second_device_does_not_restart_it(client) -> None:
    call = book(client, "clock")
    joined = call.join(user_id="bill", device_id="phone")
    again = call.join(user_id="bill", device_id="laptop")
    session = joined.call.session
    assert session.timer_ends_at - session.started_at == timedelta(hours=1)
    assert again.call.session.timer_ends_at == session.timer_ends_at
    assert again.participant.id != joined.participant.id
    assert joined.media is None
    assert VideoOwnCapability.JOIN_CALL in joined.own_capabilities


def test_extensions_from_many_threads_all_count(client) -> None:
    call = book(client, "threads")
    before = call.join(user_id="dr-lecter").call.session
    threads = [threading.Thread(target=call.extend, args=(60,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = call.get().call.session
    assert after.timer_ends_at - before.timer_ends_at == timedelta(seconds=600)
    ledger = call.ledger(after.id)
    assert sum(row.seconds for row in ledger) == 3600 + 600
    assert [row.how for row in ledger] == ["start"] + ["extend"] * 10


def test_same_key_extends_once_and_gives_the_first_answer(client) -> None:
    call = book(client, "keyed")
    call.join(user_id="dr-lecter")
    first = call.extend(900, reason="paid online", idempotency_key="payment-1")
    second = call.extend(900, reason="paid online", idempotency_key="payment-1")
    assert first.change == second.change
    assert first.change.reason == "paid online"
    assert first.change.by is None


def test_update_sets_the_total_and_none_takes_the_limit_away(client) -> None:
    call = book(client, "total")
    started_at = call.join(user_id="bill").call.session.started_at
    limited = call.update(settings_override={"limits": {"max_duration_seconds": 7200}})
    assert limited.call.session.timer_ends_at == started_at + timedelta(hours=2)
    unlimited = call.update(settings_override={"limits": {"max_duration_seconds": None}})
    assert unlimited.call.session.timer_ends_at is None
    with pytest.raises(Conflict) as caught:
        call.extend(60)
    assert caught.value.code == "no-time-limit"


def test_end_refuses_joins_and_reopen_allows_them_with_a_new_session(client, server) -> None:
    call = book(client, "ended")
    first = call.join(user_id="bill").call.session
    ended = call.end()
    assert ended.ended_reason == "ended_by_user"
    assert call.session(first.id).ended_at == ended.ended_at
    answer = httpx.post(
        f"{server.url}/v1/calls/visit/ended/join", json={}, headers=as_user(server, client, "bill")
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "call-ended")
    assert call.reopen().ended_at is None
    second = call.join(user_id="bill").call.session
    assert second.id != first.id
    assert [session.id for session in call.sessions()] == [second.id, first.id]


def test_record_tells_who_was_there_also_as_csv(client) -> None:
    call = book(client, "record")
    session = call.join(user_id="bill", device_id="tab").call.session
    state = call.leave(user_id="bill")
    assert state.session.participants == ()
    call.end()
    record = call.record(session.id)
    assert record.session_id == session.id
    assert [person.user_id for person in record.participants] == ["bill"]
    assert record.participants[0].intervals[0].device_id == "tab"
    assert [row.how for row in record.ledger] == ["start"]
    assert "bill" in call.record_csv(session.id)


def test_members_come_and_go(client) -> None:
    client.upsert_users([{"id": "ann", "role": "patient"}])
    call = book(client, "members")
    added = call.update_members(update=[{"user_id": "ann", "role": "guest"}])
    assert {member.user_id for member in added.members} == {"dr-lecter", "bill", "ann"}
    removed = call.update_members(remove=["ann"])
    assert {member.user_id for member in removed.members} == {"dr-lecter", "bill"}


def test_deleted_call_is_not_found(client) -> None:
    call = book(client, "gone")
    call.delete()
    with pytest.raises(NotFound) as caught:
        call.get()
    assert caught.value.code == "call-not-found"


def test_queries_filter_sort_and_page(client) -> None:
    for number in range(5):
        book(client, f"query-{number}", custom={"batch": "q"}).join(user_id="bill")
    wanted = {"custom.batch": "q", "ongoing": True, "timer_ends_at": {"$gt": datetime.now(UTC)}}
    newest_first = [{"field": "timer_ends_at", "direction": -1}]
    page = client.video.query_calls(filter=wanted, sort=newest_first, limit=2)
    assert len(page) == 2
    assert page.next
    found = [each.call.id for each in client.video.iter_calls(filter=wanted, sort=newest_first, page_size=2)]
    assert found == [f"query-{number}" for number in (4, 3, 2, 1, 0)]


def test_roles_types_users_and_capabilities_are_listed_and_deleted(client) -> None:
    client.create_role("nurse")
    assert {"nurse", "patient", "user"} <= {role.name for role in client.list_roles()}
    client.delete_role("nurse")
    client.video.create_call_type("brief", grants={})
    assert client.video.update_call_type("brief", members_only=False).members_only is False
    assert "brief" in {kind.name for kind in client.video.list_call_types()}
    client.video.delete_call_type("brief")
    client.upsert_users({"tmp": {}})
    assert "tmp" in {user.id for user in client.list_users(limit=100)}
    client.delete_user("tmp")
    with pytest.raises(NotFound):
        client.get_user("tmp")
    with pytest.raises(NotFound):
        client.video.get_call_type("brief")


def test_capabilities_are_those_of_the_server(client) -> None:
    assert {each.name for each in client.list_capabilities()} == set(VideoOwnCapability)


def test_errors_say_what_is_wrong(client, server) -> None:
    with pytest.raises(Conflict) as conflict:
        client.create_role("specialist")
    assert conflict.value.code == "already-exists"
    with pytest.raises(InvalidInput) as invalid:
        client.video.create_call_type("bad", settings={"limits": {"max_duration_secs": 1}})
    assert invalid.value.code == "unknown-setting"
    assert "max_duration_secs" in invalid.value.errors[0].field
    with pytest.raises(InvalidInput) as naive:
        client.video.call("visit", "naive").create(
            data={"created_by_id": "bill", "starts_at": datetime(2040, 1, 1)}  # noqa: DTZ001 - that is the point
        )
    assert naive.value.code == "naive-time"
    stranger = StreamClient(server.api_key, "another secret, as long as it has to be", base_url=server.url)
    with stranger, pytest.raises(AuthenticationError) as refused:
        stranger.list_roles()
    assert refused.value.code == "invalid-token"


def test_token_made_here_is_accepted_by_the_server_for_its_calls_only(client, server) -> None:
    book(client, "mine")
    book(client, "other")
    headers = as_user(server, client, "bill", call_cids=["visit:mine"])
    statuses = [
        httpx.get(f"{server.url}/v1/calls/visit/{id}", headers=headers).status_code
        for id in ("mine", "other")
    ]
    assert statuses == [200, 403]


def test_events_tell_the_story_in_order(client) -> None:
    call = book(client, "story")
    with call.events() as events:
        assert isinstance(next(events), StateRefreshed)
        call.join(user_id="bill")
        call.extend(60)
        call.end()
        told = []
        for event in events:
            told.append(event)
            if isinstance(event, SessionEnded):
                break
    types = [event.type for event in told]
    assert types[:2] == ["call.session_started", "call.session_participant_joined"]
    assert types[-2:] == ["call.ended", "call.session_ended"]
    assert [event.id for event in told] == list(range(told[0].id, told[0].id + len(told)))
    changed = next(event for event in told if isinstance(event, SessionClockChanged))
    assert changed.change.seconds == 60
    assert changed.timer_ends_at == changed.call.session.timer_ends_at
    ended = next(event for event in told if isinstance(event, CallEnded))
    assert ended.reason == "ended_by_user"


def test_events_of_an_unknown_call_are_refused(client) -> None:
    with pytest.raises(NotFound):
        next(client.video.events(["visit:nowhere"]))


def test_end_at_the_deadline_reaches_the_stream(client) -> None:
    call = book(client, "short", settings_override={"limits": {"max_duration_seconds": 1}})
    with call.events() as events:
        next(events)
        deadline = call.join(user_id="bill").call.session.timer_ends_at
        ended = next(event for event in events if isinstance(event, SessionEnded))
    assert ended.reason == "max_duration_reached"
    assert ended.ended_at == deadline

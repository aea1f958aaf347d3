"""The room API through livekit-api over a real server: grants, results, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from callclock_server.sfu import RoomServer, RoomServerSettings
from livekit import api
from livekit.protocol.models import ParticipantInfo

from .running import ENGINES, Running, running, running_engine, token
from .signalling import Raw


@pytest.fixture(params=ENGINES)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    async with running_engine(request.param) as started:
        yield started


@pytest.fixture
async def own() -> AsyncIterator[Running]:
    """The embedded server, for limits and words that LiveKit does not share (docs/media-engines.md)."""
    async with running() as started:
        yield started


@pytest.fixture
async def rooms(site: Running) -> AsyncIterator[api.room_service.RoomService]:
    async with site.api() as client:
        yield client.room


Rooms = api.room_service.RoomService


async def test_created_room_is_listed_with_its_settings(rooms: Rooms) -> None:
    request = api.CreateRoomRequest(
        name="consultation", metadata="m", empty_timeout=60, departure_timeout=5, max_participants=2
    )
    created = await rooms.create_room(request)
    listed = (await rooms.list_rooms(api.ListRoomsRequest())).rooms
    assert [room.name for room in listed] == ["consultation"]
    assert listed[0] == created
    assert created.sid.startswith("RM_")
    assert (created.metadata, created.empty_timeout, created.departure_timeout) == ("m", 60, 5)
    assert created.max_participants == 2


async def test_creating_a_room_again_returns_the_same_room(rooms: Rooms) -> None:
    first = await rooms.create_room(api.CreateRoomRequest(name="room"))
    second = await rooms.create_room(api.CreateRoomRequest(name="room", metadata="ignored"))
    assert first == second


async def test_listing_by_name_leaves_out_the_others_and_the_unknown(rooms: Rooms) -> None:
    for name in ("one", "two"):
        await rooms.create_room(api.CreateRoomRequest(name=name))
    listed = await rooms.list_rooms(api.ListRoomsRequest(names=["two", "three"]))
    assert [room.name for room in listed.rooms] == ["two"]


async def test_deleted_room_is_gone(rooms: Rooms) -> None:
    await rooms.create_room(api.CreateRoomRequest(name="room"))
    await rooms.delete_room(api.DeleteRoomRequest(room="room"))
    assert (await rooms.list_rooms(api.ListRoomsRequest())).rooms == []
    await expect(rooms.delete_room(api.DeleteRoomRequest(room="room")), "not_found", 404)


async def expect(call: object, code: str, status: int) -> None:
    with pytest.raises(api.TwirpError) as refused:
        await call  # type: ignore[misc]
    assert (refused.value.code, refused.value.status) == (code, status)


async def test_participants_are_listed_and_found(site: Running, rooms: Rooms) -> None:
    await site.create_room()
    async with Raw.joined(site, token("ann")):
        listed = await rooms.list_participants(api.ListParticipantsRequest(room="room"))
        found = await rooms.get_participant(api.RoomParticipantIdentity(room="room", identity="ann"))
        assert [p.identity for p in listed.participants] == ["ann"]
        assert (found.name, found.state) == ("Ann", ParticipantInfo.State.JOINED)
        assert found.permission.can_publish


async def test_what_does_not_exist_is_not_found(site: Running, rooms: Rooms) -> None:
    who = api.RoomParticipantIdentity(room="room", identity="nobody")
    await expect(rooms.get_participant(who), "not_found", 404)
    await site.create_room()
    await expect(rooms.get_participant(who), "not_found", 404)
    await expect(rooms.remove_participant(who), "not_found", 404)
    async with Raw.joined(site, token("ann")):
        mute = api.MuteRoomTrackRequest(room="room", identity="ann", track_sid="TR_x", muted=True)
        if site.embedded is not None:
            await expect(rooms.mute_published_track(mute), "not_found", 404)
        mute.muted = False
        await expect(rooms.mute_published_track(mute), "failed_precondition", 412)


async def test_update_of_name_metadata_and_attributes_reaches_everybody(site: Running, rooms: Rooms) -> None:
    await site.create_room()
    async with Raw.joined(site, token("ann")) as ann, Raw.joined(site, token("bob")) as bob:
        request = api.UpdateParticipantRequest(
            room="room", identity="ann", name="Dr. Ann", metadata="m", attributes={"role": "host", "x": ""}
        )
        updated = await rooms.update_participant(request)
        assert (updated.name, updated.metadata, dict(updated.attributes)) == (
            "Dr. Ann",
            "m",
            {"role": "host"},
        )
        for client in (ann, bob):
            told = await client.receive("update")
            while told.update.participants[0].name != "Dr. Ann":
                told = await client.receive("update")
            assert told.update.participants[0].version > ann.joined_as.version


async def test_oversized_metadata_is_refused(own: Running) -> None:
    big = "x" * 70_000
    await own.create_room()
    async with own.api() as client:
        create = api.CreateRoomRequest(name="r", metadata=big)
        await expect(client.room.create_room(create), "invalid_argument", 400)
        request = api.UpdateRoomMetadataRequest(room="room", metadata=big)
        await expect(client.room.update_room_metadata(request), "invalid_argument", 400)
        update = api.UpdateParticipantRequest(room="room", identity="ann", attributes={"a": big})
        await expect(client.room.update_participant(update), "invalid_argument", 400)


async def test_subscriptions_are_changed_for_a_participant(site: Running, rooms: Rooms) -> None:
    await site.create_room()
    async with Raw.joined(site, token("ann")):
        request = api.UpdateSubscriptionsRequest(
            room="room", identity="ann", track_sids=["TR_later"], subscribe=False
        )
        assert await rooms.update_subscriptions(request) == api.UpdateSubscriptionsResponse()


async def test_room_metadata_reaches_who_is_in(site: Running, rooms: Rooms) -> None:
    await site.create_room()
    async with Raw.joined(site, token("ann")) as ann:
        await rooms.update_room_metadata(api.UpdateRoomMetadataRequest(room="room", metadata="agenda"))
        assert (await ann.receive("room_update")).room_update.room.metadata == "agenda"


async def test_data_with_an_odd_nonce_or_too_much_of_it_is_refused(own: Running) -> None:
    await own.create_room()
    bearer = token("ann", grants=GRANTS["SendData"])
    async with httpx.AsyncClient(trust_env=False) as client:
        for body in ('{"room": "room", "nonce": "MTIz"}', f'{{"room": "room", "data": "{"A" * 100_000}"}}'):
            answer = await post(client, own, "SendData", bearer, body)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


async def test_methods_that_are_not_served_say_so(own: Running) -> None:
    request = api.MoveParticipantRequest(room="room", identity="ann", destination_room="other")
    async with own.api() as client:
        await expect(client.room.move_participant(request), "unimplemented", 501)


GRANTS = {
    "CreateRoom": api.VideoGrants(room_create=True),
    "DeleteRoom": api.VideoGrants(room_create=True),
    "ListRooms": api.VideoGrants(room_list=True),
    "ListParticipants": api.VideoGrants(room_admin=True, room="room"),
    "GetParticipant": api.VideoGrants(room_admin=True, room="room"),
    "RemoveParticipant": api.VideoGrants(room_admin=True, room="room"),
    "MutePublishedTrack": api.VideoGrants(room_admin=True, room="room"),
    "UpdateParticipant": api.VideoGrants(room_admin=True, room="room"),
    "UpdateSubscriptions": api.VideoGrants(room_admin=True, room="room"),
    "SendData": api.VideoGrants(room_admin=True, room="room"),
    "UpdateRoomMetadata": api.VideoGrants(room_admin=True, room="room"),
}
BODY = '{"room": "room", "name": "new", "identity": "ann", "track_sid": "TR_x", "muted": true}'


@pytest.mark.parametrize("method", GRANTS)
async def test_method_needs_exactly_its_grant(site: Running, method: str) -> None:
    await site.create_room()
    every = {
        "create": api.VideoGrants(room_create=True),
        "list": api.VideoGrants(room_list=True),
        "admin": api.VideoGrants(room_admin=True, room="room"),
        "admin elsewhere": api.VideoGrants(room_admin=True, room="other"),
        "join": api.VideoGrants(room_join=True, room="room"),
    }
    async with httpx.AsyncClient(trust_env=False) as client, Raw.joined(site, token("ann")):
        for grants in every.values():
            answer = await post(client, site, method, token("ann", grants=grants))
            if grants == GRANTS[method]:
                assert answer.status_code in (200, 404)
            else:
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def post(
    client: httpx.AsyncClient, site: Running, method: str, bearer: str, body: str = BODY
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    url = f"{site.http_url}/twirp/livekit.RoomService/{method}"
    return await client.post(url, content=body, headers={**headers, "Content-Type": "application/json"})


@pytest.mark.parametrize("bearer", ["", "nonsense", token("a", secret="x" * 40), token("a", ttl_seconds=-60)])
async def test_call_without_a_good_token_is_unauthenticated(site: Running, bearer: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await post(client, site, "ListRooms", bearer)
    assert answer.status_code == 401
    assert ("unauthenticated" in answer.text) == (
        bearer == ""
    )  # a bad token is refused before the call is read


async def test_broken_calls_get_twirp_errors(own: Running) -> None:
    headers = {"Authorization": f"Bearer {token('a', grants=api.VideoGrants(room_list=True))}"}
    cases = [
        ("ListRooms", "application/protobuf", b"\xff\xff\xff", "malformed", 400),
        ("ListRooms", "application/json", b"{", "malformed", 400),
        ("ListRooms", "text/plain", b"", "bad_route", 404),
        ("NoSuchMethod", "application/protobuf", b"", "bad_route", 404),
        ("ListRooms", "application/protobuf", b"x" * 2_000_000, "invalid_argument", 400),
    ]
    async with httpx.AsyncClient(trust_env=False) as client:
        for method, kind, body, code, status in cases:
            url = f"{own.http_url}/twirp/livekit.RoomService/{method}"
            answer = await client.post(url, content=body, headers={**headers, "Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_validate_says_why_a_connection_is_refused(site: Running) -> None:
    await site.create_room()
    async with httpx.AsyncClient(trust_env=False) as client, Raw.joined(site, token("ann")):
        expected = {
            token("ann"): (200, "success"),
            token("ann", room="none"): (404, "requested room does not exist"),
            token("ann", room_join=False): (401, "permissions denied"),
            "": (401, "no permissions to access the room"),
        }
        for bearer, (status, text) in expected.items():
            answer = await client.get(f"{site.http_url}/rtc/validate?access_token={bearer}")
            assert (answer.status_code, answer.text) == (status, text)
            assert answer.headers["access-control-allow-origin"] == "*"
        answer = await client.get(f"{site.http_url}/rtc/v1/validate?access_token={token('ann')}")
        assert (answer.status_code, answer.text) == (400, "join_request is required")
        assert (await client.get(f"{site.http_url}/rtc?access_token={token('ann')}")).status_code == 404


async def test_a_full_room_is_refused(own: Running) -> None:
    await own.create_room(max_participants=1)
    async with httpx.AsyncClient(trust_env=False) as client, Raw.joined(own, token("ann")):
        answer = await client.get(f"{own.http_url}/rtc/validate?access_token={token('bob')}")
        assert (answer.status_code, answer.text) == (403, "room is full")


@pytest.mark.parametrize("engine", ENGINES)
async def test_rooms_are_created_by_joining_only_where_allowed(engine: str) -> None:
    async with (
        running_engine(engine, auto_create=True) as site,
        Raw.joined(site, token("ann", room="made")) as ann,
    ):
        assert ann.seen[0].join.room.name == "made"
        assert ann.seen[0].join.participant.identity == "ann"


def test_key_and_secret_are_needed() -> None:
    for keys in ({}, {"key": ""}):
        with pytest.raises(ValueError, match="API key"):
            RoomServer(RoomServerSettings(api_keys=keys))

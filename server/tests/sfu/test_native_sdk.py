"""LiveKit's native Python SDK against the room server, in both signalling modes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from livekit import api, rtc
from livekit.protocol.models import DataPacket, DisconnectReason, ParticipantPermission, TrackSource

from .native import Native, natives
from .running import ENGINES, Running, running_engine, token
from .signalling import Raw

MODES = pytest.mark.parametrize("single_connection", [True, False], ids=["v1", "v0"])


@pytest.fixture(params=ENGINES)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    async with running_engine(request.param) as started:
        await started.create_room()
        yield started


async def join_all(site: Running, *participants: Native) -> None:
    for participant, identity in zip(participants, ("ann", "bob", "cat"), strict=False):
        await participant.join(site.url, token(identity))


@MODES
async def test_published_audio_and_video_arrive_decoded(site: Running, single_connection: bool) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob):
        await join_all(site, ann, bob)
        await asyncio.gather(ann.publish_microphone(), ann.publish_video(), bob.publish_video())
        await bob.until_more("frame ann/microphone", by=20)
        await bob.until_more("frame ann/camera")
        await ann.until_more("frame bob/camera")


@MODES
async def test_late_joiner_gets_what_is_published_already(site: Running, single_connection: bool) -> None:
    async with natives(3, single_connection=single_connection) as (ann, bob, cat):
        await join_all(site, ann, bob)
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        await cat.join(site.url, token("cat"))
        await cat.until_more("frame ann/camera")
        assert set(cat.room.remote_participants) == {"ann", "bob"}


@MODES
async def test_leaving_is_told_and_ends_the_tracks(site: Running, single_connection: bool) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob):
        await join_all(site, ann, bob)
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        await ann.room.disconnect()
        await bob.until_seen("participant_disconnected ann", seconds=1.0)
        await bob.until_seen("track_unsubscribed camera", seconds=1.0)


@MODES
async def test_mute_and_unmute_are_told_and_the_picture_returns(
    site: Running, single_connection: bool
) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob):
        await join_all(site, ann, bob)
        publication = await ann.publish_video()
        await bob.until_more("frame ann/camera")
        publication.track.mute()
        await bob.until_seen("track_muted ann/camera")
        publication.track.unmute()
        await bob.until_seen("track_unmuted ann/camera")
        await bob.until_more("frame ann/camera")


@MODES
async def test_data_reaches_all_or_the_named_and_names_the_true_sender(
    site: Running, single_connection: bool
) -> None:
    async with natives(3, single_connection=single_connection) as (ann, bob, cat):
        await join_all(site, ann, bob, cat)
        await ann.room.local_participant.publish_data(b"everybody", reliable=True)
        await bob.until_seen("data")
        await cat.until_seen("data")
        await ann.room.local_participant.publish_data(b"cat only", destination_identities=["cat"])
        await ann.room.local_participant.publish_data(b"everybody again")
        await bob.until(lambda: bob.count("data") >= 2)
        await cat.until(lambda: cat.count("data") >= 3)
        assert bob.data == [("ann", b"everybody"), ("ann", b"everybody again")]
        assert cat.data == [("ann", b"everybody"), ("ann", b"cat only"), ("ann", b"everybody again")]
        assert ann.data == []


async def test_rpc_and_text_streams_pass(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob):
        await join_all(site, ann, bob)
        received: asyncio.Queue[str] = asyncio.Queue()

        async def read(reader: rtc.TextStreamReader) -> None:
            received.put_nowait(await reader.read_all())

        tasks: list[asyncio.Task[None]] = []
        bob.room.register_text_stream_handler(
            "chat", lambda reader, identity: tasks.append(asyncio.create_task(read(reader)))
        )
        bob.room.local_participant.register_rpc_method("greet", _greet)
        answer = await ann.room.local_participant.perform_rpc(
            destination_identity="bob", method="greet", payload="ann"
        )
        await ann.room.local_participant.send_text("hello " * 5000, topic="chat")
        async with asyncio.timeout(10):
            text = await received.get()
        assert answer == "hello ann"
        assert text == "hello " * 5000


async def _greet(call: rtc.RpcInvocationData) -> str:
    return f"hello {call.payload}"


@pytest.mark.punctual
@MODES
async def test_deleting_the_room_disconnects_everybody_within_200_ms(
    site: Running, single_connection: bool
) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        began = time.monotonic()
        await client.room.delete_room(api.DeleteRoomRequest(room="room"))
        await asyncio.gather(ann.until_disconnected(), bob.until_disconnected())
        took = time.monotonic() - began
        assert (ann.disconnect_reason, bob.disconnect_reason) == (DisconnectReason.ROOM_DELETED,) * 2
        assert took < 0.2


@MODES
async def test_removed_participant_is_told_so_and_its_token_is_revoked(
    site: Running, single_connection: bool
) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob), site.api() as client:
        ticket = token("ann")
        await ann.join(site.url, ticket)
        await bob.join(site.url, token("bob"))
        revoked = int(time.time()) + 1
        request = api.RoomParticipantIdentity(room="room", identity="ann", revoke_token_ts=revoked)
        await client.room.remove_participant(request)
        await ann.until_disconnected()
        await bob.until_seen("participant_disconnected ann")
        assert ann.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED
        if site.embedded is not None:  # LiveKit's open source server knows no revocation
            with pytest.raises(rtc.ConnectError, match="revoked"):
                await rtc.Room().connect(site.url, ticket)


@pytest.mark.punctual
@MODES
async def test_lost_permission_stops_the_track_within_a_second_and_returns(
    site: Running, single_connection: bool
) -> None:
    async with natives(2, single_connection=single_connection) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        began = time.monotonic()
        await client.room.update_participant(permission("ann", can_publish=False))
        await bob.until_seen("track_unpublished ann/camera", seconds=1.0)
        await bob.until_seen("track_unsubscribed camera", seconds=1.0)
        assert time.monotonic() - began < 1.0
        await client.room.update_participant(permission("ann", can_publish=True))
        await ann.publish_video("again")
        await bob.until_more("frame ann/again")


def permission(identity: str, **grants: object) -> api.UpdateParticipantRequest:
    chosen = ParticipantPermission(**{"can_subscribe": True, "can_publish_data": True, **grants})
    return api.UpdateParticipantRequest(room="room", identity=identity, permission=chosen)


async def test_withdrawn_screen_share_source_leaves_the_camera_alone(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        await ann.publish_video()
        await ann.publish_video("screen", source=rtc.TrackSource.SOURCE_SCREENSHARE)
        await bob.until_more("frame ann/screen")
        sources = [TrackSource.CAMERA, TrackSource.MICROPHONE]
        request = permission("ann", can_publish=True, can_publish_sources=sources)
        await client.room.update_participant(request)
        await bob.until_seen("track_unpublished ann/screen", seconds=1.0)
        await bob.until_more("frame ann/camera")
        assert bob.count("track_unpublished ann/camera") == 0


async def test_withdrawn_subscription_stops_what_is_received(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        await client.room.update_participant(permission("bob", can_publish=True, can_subscribe=False))
        await bob.until_still("frame ann/camera")
        await client.room.update_participant(permission("bob", can_publish=True))
        await bob.until_more("frame ann/camera")


async def test_second_join_with_the_same_identity_evicts_the_first(site: Running) -> None:
    async with natives(3, single_connection=True) as (ann, bob, again):
        await join_all(site, ann, bob)
        await again.join(site.url, token("ann"))
        await ann.until_disconnected()
        assert ann.disconnect_reason == DisconnectReason.DUPLICATE_IDENTITY
        await again.publish_video()
        await bob.until_more("frame ann/camera")


@pytest.mark.parametrize(
    "case", ["unknown room", "wrong room", "expired", "forged", "unknown key", "no join"]
)
async def test_join_is_refused(site: Running, case: str) -> None:
    tokens = {
        "unknown room": (token("ann", room="nowhere"), "requested room does not exist"),
        "wrong room": (token("ann", room="other"), "requested room does not exist"),
        "expired": (token("ann", ttl_seconds=-60), "expired"),
        "forged": (token("ann", secret="another-secret-of-at-least-32-bytes!"), "invalid .*token"),
        "unknown key": (token("ann", key="other-key"), "invalid API key"),
        "no join": (token("ann", room_join=False), "permissions denied"),
    }
    refused, message = tokens[case]
    with pytest.raises(rtc.ConnectError, match=message):
        await rtc.Room().connect(site.url, refused)
    async with site.api() as client:
        listed = await client.room.list_participants(api.ListParticipantsRequest(room="room"))
    assert list(listed.participants) == []


@pytest.mark.parametrize("allowed", ["camera", "microphone", "screen_share", "screen_share_audio"])
async def test_only_granted_sources_are_published(site: Running, allowed: str) -> None:
    kinds = {
        "camera": (api.TrackType.VIDEO, TrackSource.CAMERA),
        "microphone": (api.TrackType.AUDIO, TrackSource.MICROPHONE),
        "screen_share": (api.TrackType.VIDEO, TrackSource.SCREEN_SHARE),
        "screen_share_audio": (api.TrackType.AUDIO, TrackSource.SCREEN_SHARE_AUDIO),
    }
    async with Raw.joined(site, token("ann", can_publish_sources=[allowed])) as ann:
        answers = {}
        for name, (kind, source) in kinds.items():
            await ann.send(add_track={"cid": name, "type": kind, "source": source})
            answer = await ann.receive("track_published", "request_response")
            answers[name] = answer.WhichOneof("message")
        expected = {name: "track_published" if name == allowed else "request_response" for name in kinds}
        assert answers == expected


async def test_participant_without_subscription_grant_receives_nothing(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob):
        await ann.join(site.url, token("ann"))
        await bob.join(site.url, token("bob", can_subscribe=False))
        await ann.publish_video()
        await bob.until_seen("track_published ann/camera")
        await ann.room.local_participant.publish_data(b"sent after the picture")
        await bob.until_seen("data")
        assert bob.count("track_subscribed ann/camera") == 0


async def test_participant_without_data_grant_is_not_heard(site: Running) -> None:
    async with natives(3, single_connection=True) as (ann, bob, cat):
        await ann.join(site.url, token("ann", can_publish_data=False))
        await bob.join(site.url, token("bob"))
        await cat.join(site.url, token("cat"))
        await bob.until_seen("participant_connected cat")
        await ann.room.local_participant.publish_data(b"forbidden", reliable=True)
        await cat.room.local_participant.publish_data(b"allowed", reliable=True)
        await bob.until_seen("data")
        assert bob.data == [("cat", b"allowed")]


async def test_hidden_participant_is_told_to_nobody_but_receives(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, ghost):
        await ann.join(site.url, token("ann"))
        await ghost.join(site.url, token("ghost", hidden=True))
        await ann.publish_video()
        await ghost.until_more("frame ann/camera")
        assert ann.room.remote_participants == {}


async def test_token_is_renewed_before_it_expires(site: Running) -> None:
    async with natives(1, single_connection=True) as (ann,):
        await ann.join(site.url, token("ann", ttl_seconds=3))
        await ann.until_seen("token_refreshed", seconds=3.0)


async def test_api_data_and_metadata_reach_clients(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        await client.room.update_room_metadata(api.UpdateRoomMetadataRequest(room="room", metadata="agenda"))
        await ann.until_seen("metadata agenda")
        request = api.SendDataRequest(
            room="room",
            data=b"from the server",
            kind=DataPacket.Kind.RELIABLE,
            destination_identities=["bob"],
        )
        await client.room.send_data(request)
        await bob.until_seen("data")
        assert bob.data == [("", b"from the server")]
        assert ann.data == []


async def test_server_mute_silences_a_track(site: Running) -> None:
    async with natives(2, single_connection=True) as (ann, bob), site.api() as client:
        await join_all(site, ann, bob)
        publication = await ann.publish_microphone()
        await bob.until_more("frame ann/microphone", by=20)
        request = api.MuteRoomTrackRequest(room="room", identity="ann", track_sid=publication.sid, muted=True)
        await client.room.mute_published_track(request)
        await bob.until_seen("track_muted ann/microphone")
        if site.embedded is not None:
            assert site.embedded.rooms.get("room").publication(publication.sid).up.muted

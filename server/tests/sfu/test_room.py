"""Rooms on a fake media plane: who is told what, what falls due, what falls silent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from callclock_server.sfu.join import JoinError, read_v0, read_v1
from callclock_server.sfu.media import PeerStats
from callclock_server.sfu.requests import handle
from callclock_server.sfu.room import Reason, RoomSettings
from callclock_server.sfu.rooms import Patience, Rooms
from callclock_server.sfu.speakers import SpeakerBoard
from callclock_server.sfu.subscribing import TrackSettings
from callclock_server.sfu.twirp import set_permission
from livekit.protocol import rtc
from livekit.protocol.models import (
    ConnectionQuality,
    DataPacket,
    ParticipantInfo,
    ParticipantPermission,
    TrackInfo,
    TrackType,
    VideoLayer,
)

from .fakes import FakeSocket, World, ask, audio, data, offer, publish, video

ALL = ParticipantPermission(can_publish=True, can_subscribe=True, can_publish_data=True)


def subscribed_pair() -> tuple[World, Any, FakeSocket, Any, FakeSocket]:
    """ann publishes a camera that bob receives in section 1."""
    world = World()
    ann, to_ann = world.enter("ann")
    publish(ann, "cam", layers=[{"width": 320}, {"width": 640}, {"width": 1280}])
    bob, to_bob = world.enter("bob")
    ask(bob, offer=offer(data("0"), video("1")))
    return world, ann, to_ann, bob, to_bob


async def test_second_join_of_an_identity_evicts_the_first_before_it_is_announced() -> None:
    world = World()
    first, evicted = world.enter("ann")
    _, watching = world.enter("bob")
    second, _ = world.enter("ann")
    assert evicted.last("leave").reason == Reason.DUPLICATE_IDENTITY
    assert evicted.closed == 1000
    told = [update.participants[0] for update in watching.all("update")]
    assert [(info.sid, info.state) for info in told] == [
        (first.sid, ParticipantInfo.State.DISCONNECTED),
        (second.sid, ParticipantInfo.State.JOINED),
    ]


async def test_state_and_versions_go_up() -> None:
    world = World()
    ann, _ = world.enter("ann")
    _, watching = world.enter("bob")
    ann.on_media_state("connected")
    publish(ann, "cam")
    ask(ann, mute={"sid": ann.publishing.live[0].sid, "muted": True})
    versions = [update.participants[0].version for update in watching.all("update")]
    assert versions == sorted(set(versions))
    assert watching.all("update")[0].participants[0].state == ParticipantInfo.State.ACTIVE
    assert watching.last("update").participants[0].tracks[0].muted


async def test_mute_drops_packets_and_unmute_asks_for_a_picture() -> None:
    world, ann, _, _, _ = subscribed_pair()
    up = world.peers_of(ann)[0].ups[0]
    sid = ann.publishing.live[0].sid
    ask(ann, mute={"sid": sid, "muted": True})
    assert up.muted
    ask(ann, mute={"sid": sid, "muted": False})
    assert not up.muted
    assert up.keyframes == 1


async def test_owner_learns_of_its_first_subscriber_once() -> None:
    world, ann, to_ann, _, _ = subscribed_pair()
    cat, _ = world.enter("cat")
    ask(cat, offer=offer(data("0"), video("1")))
    assert [told.track_sid for told in to_ann.all("track_subscribed")] == [ann.publishing.live[0].sid]


async def test_hidden_participant_sees_all_and_is_seen_by_none() -> None:
    world = World()
    _, to_ann = world.enter("ann")
    ghost, to_ghost = world.enter("ghost", hidden=True)
    ghost.on_media_state("connected")
    world.room.remove(ghost, reason=Reason.CLIENT_INITIATED)
    assert to_ann.all("update") == []
    assert to_ghost.last("update").participants[0].identity == "ghost"
    assert world.room.info().num_participants == 1


async def test_subscriber_chooses_layer_pause_and_end() -> None:
    world, ann, _, bob, _ = subscribed_pair()
    sid = ann.publishing.live[0].sid
    down = world.peers_of(bob)[0].downs[0]
    for setting, expected in (
        ({"quality": 0}, (0, False)),
        ({"width": 500}, (1, False)),
        ({"width": 5000}, (2, False)),
        ({"disabled": True}, (0, True)),
        ({"quality": 2}, (2, False)),
    ):
        ask(bob, track_setting={"track_sids": [sid], **setting})
        assert (down.quality, down.paused) == expected
    ask(bob, subscription={"track_sids": [sid], "subscribe": False})
    assert world.peers_of(bob)[0].downs == []
    ask(bob, subscription={"track_sids": [sid], "subscribe": True})
    assert [s.settings.quality for s in bob.subscribing.active] == [2]


@pytest.mark.parametrize(("width", "layer"), [(0, 2), (1, 0), (320, 0), (321, 1), (1280, 2), (4000, 2)])
def test_width_picks_the_smallest_layer_that_fills_it(width: int, layer: int) -> None:
    info = TrackInfo(layers=[VideoLayer(width=w) for w in (1280, 320, 640)])
    assert TrackSettings(width=width).layer(info) == layer


async def test_publisher_decides_who_may_receive_its_tracks() -> None:
    world, ann, _, bob, to_bob = subscribed_pair()
    sid = ann.publishing.live[0].sid
    ask(ann, subscription_permission={"all_participants": False})
    assert bob.subscribing.active == []
    assert not to_bob.last("subscription_permission_update").allowed
    cat, _ = world.enter("cat")
    assert cat.subscribing.active == []
    entry = {"participant_identity": "bob", "track_sids": [sid]}
    ask(ann, subscription_permission={"track_permissions": [entry]})
    assert len(bob.subscribing.active) == 1
    assert to_bob.last("subscription_permission_update").allowed
    assert cat.subscribing.active == []


async def test_permission_change_cuts_before_it_tells() -> None:
    world, ann, to_ann, bob, _ = subscribed_pair()
    up = world.peers_of(ann)[0].ups[0]
    to_ann.sent.clear()
    set_permission(ann, ParticipantPermission(can_subscribe=True))
    assert up.muted
    assert world.peers_of(bob)[0].downs == []
    assert to_ann.kinds()[0] == "track_unpublished"
    assert not to_ann.last("update").participants[0].permission.can_publish
    ask(ann, add_track={"cid": "again", "type": TrackType.VIDEO, "source": 1})
    assert to_ann.last("request_response").reason == rtc.RequestResponse.Reason.NOT_ALLOWED
    set_permission(ann, ALL)
    ask(ann, add_track={"cid": "again", "type": TrackType.VIDEO, "source": 1})
    assert to_ann.last("track_published").cid == "again"


async def test_data_is_stamped_with_the_true_sender_and_kept_from_itself() -> None:
    world = World()
    people = {name: world.enter(name)[0] for name in ("ann", "bob", "cat")}
    forged = DataPacket(participant_identity="bob", user={"payload": b"x", "participant_identity": "bob"})
    people["ann"].on_data("_reliable", forged.SerializeToString())
    assert world.peers_of(people["ann"])[0].sent == []
    for name in ("bob", "cat"):
        label, payload = world.peers_of(people[name])[0].sent[0]
        received = DataPacket.FromString(payload)
        assert label == "_reliable"
        assert (received.participant_identity, received.user.participant_identity) == ("ann", "ann")
        assert received.participant_sid == people["ann"].sid


@pytest.mark.parametrize(
    ("label", "payload"),
    [
        ("_reliable", b"\xff\xff"),
        ("_reliable", b""),
        (
            "_reliable",
            DataPacket(speaker={"speakers": [{"sid": "PA_x", "active": True}]}).SerializeToString(),
        ),
        ("_data_track", DataPacket(user={"payload": b"x"}).SerializeToString()),
        ("_reliable", DataPacket(user={"payload": bytes(70_000)}).SerializeToString()),
    ],
)
async def test_data_that_must_not_pass_is_dropped(label: str, payload: bytes) -> None:
    world = World()
    ann, _ = world.enter("ann")
    bob, _ = world.enter("bob")
    ann.on_data(label, payload)
    assert world.peers_of(bob)[0].sent == []


async def test_speakers_are_told_when_something_changes() -> None:
    world = World()
    ann, to_ann = world.enter("ann")
    publish(ann, "mic", kind=TrackType.AUDIO)
    up = world.peers_of(ann)[0].ups[0]
    for level in (0.0, 0.5, 0.52, 0.0, 0.0):
        up.level = level
        world.room.update_speakers()
    told = [(s.speakers[0].level, s.speakers[0].active) for s in to_ann.all("speakers_changed")]
    assert told == [(0.5, True), (0.0, False)]


def test_speaker_board_keeps_short_pauses_and_forgets_who_left() -> None:
    board = SpeakerBoard()
    assert [s.sid for s in board.update({"a": 0.2, "b": 0.06})] == ["a"]
    assert [s.level for s in board.update({"a": 0.06})] == [0.125]
    assert [s.sid for s in board.speaking()] == ["a"]
    assert [(s.sid, s.active) for s in board.update({})] == [("a", False)]


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        (PeerStats(), ConnectionQuality.EXCELLENT),
        (PeerStats(packets_in=95, lost_in=5), ConnectionQuality.GOOD),
        (PeerStats(packets_in=80, lost_in=20), ConnectionQuality.POOR),
        (PeerStats(loss_out=0.03), ConnectionQuality.GOOD),
        (PeerStats(round_trip_seconds=0.7), ConnectionQuality.POOR),
    ],
)
async def test_quality_is_told_to_all_when_it_changes_and_to_newcomers(
    counters: PeerStats, expected: int
) -> None:
    world = World()
    ann, _ = world.enter("ann")
    ann.on_media_state("connected")
    _, watching = world.enter("bob")
    world.peers_of(ann)[0].counters = counters
    for _ in range(2):
        world.room.update_quality()
    _, late = world.enter("cat")
    told = [
        (u.participant_sid, u.quality)
        for update in watching.all("connection_quality")
        for u in update.updates
    ]
    assert told[0] == (ann.sid, expected)
    assert len(told) <= 2  # losses count since the last grade, so the second one may be better
    assert late.last("connection_quality").updates[0].participant_sid == ann.sid


def rooms_of(world: World, *settings: RoomSettings) -> Rooms:
    rooms = Rooms(now=lambda: world.time, notify=world.events.append, patience=Patience())
    for each in settings:
        rooms.create(each)
    return rooms


async def test_empty_room_ends_after_its_timeout() -> None:
    world = World()
    rooms = rooms_of(world, RoomSettings("never", empty_timeout=60), RoomSettings("left", empty_timeout=60))
    left = rooms.get("left")
    assert left is not None
    world.room = left
    ann, _ = world.enter("ann")
    world.time += 30
    left.remove(ann, reason=Reason.CLIENT_INITIATED)
    for seconds, remaining in ((10, ["never", "left"]), (11, ["never"]), (10, [])):
        world.time += seconds
        rooms.tick(now=world.time)
        assert [room.name for room in rooms.all()] == remaining


@pytest.mark.parametrize(
    ("was_active", "signal", "media", "seconds", "gone"),
    [
        (True, False, True, 29, False),
        (True, False, True, 31, True),
        (True, True, False, 9, False),
        (True, True, False, 11, True),
        (True, False, False, 1, True),
        (False, True, False, 29, False),
        (False, True, False, 31, True),
    ],
)
async def test_lost_participant_is_removed_in_time(
    was_active: bool, signal: bool, media: bool, seconds: float, gone: bool
) -> None:
    world = World()
    rooms = rooms_of(world, RoomSettings("room"))
    room = rooms.get("room")
    assert room is not None
    world.room = room
    ann, socket = world.enter("ann")
    if was_active:
        ann.on_media_state("connected")
    if not media:
        ann.on_media_state("disconnected")
    if not signal:
        ann.detach(socket, now=world.time)
    world.time += seconds
    rooms.tick(now=world.time)
    assert (room.participant("ann") is None) is gone
    if gone and signal:
        actions = rtc.LeaveRequest.Action
        assert socket.last("leave").action == (actions.RECONNECT if was_active else actions.DISCONNECT)


async def test_full_room_has_a_place_only_for_who_is_in_already() -> None:
    world = World(max_participants=1)
    assert world.room.has_place_for("ann")
    world.enter("ann")
    assert world.room.has_place_for("ann")
    assert not world.room.has_place_for("bob")


async def test_unpublished_track_leaves_no_trace_of_choices() -> None:
    world, ann, _, bob, _ = subscribed_pair()
    sid = ann.publishing.live[0].sid
    ask(bob, subscription={"track_sids": [sid], "subscribe": False})
    ask(ann, offer=offer(data("0"), video("cam", "inactive"), number=2))
    assert bob.subscribing._choices == {}
    assert world.room.publication(sid) is None


async def test_requests_after_leaving_are_ignored() -> None:
    world = World()
    ann, socket = world.enter("ann")
    ask(ann, leave={})
    assert socket.closed == 1000
    handle(ann, rtc.SignalRequest(add_track={"cid": "late"}))
    ann.on_data("_reliable", DataPacket(user={"payload": b"x"}).SerializeToString())
    ann.on_media_state("connected")
    assert "track_published" not in socket.kinds()
    assert [event.event for event in world.events] == ["room_started", "participant_connection_aborted"]


async def test_audio_and_video_sections_are_not_confused() -> None:
    world = World()
    ann, _ = world.enter("ann")
    publish(ann, "mic", kind=TrackType.AUDIO)
    bob, socket = world.enter("bob")
    ask(bob, offer=offer(data("0"), video("1"), audio("2")))
    assert set(socket.last("answer").mid_to_track_id) == {"2"}


def test_old_style_query_is_read() -> None:
    read = read_v0({"auto_subscribe": "0", "sdk": "js", "protocol": "16", "sid": "PA_x"})
    assert (read.single_connection, read.auto_subscribe, read.reconnect) == (False, False, False)
    assert read.participant_sid == ""
    assert read.client.protocol == 16
    assert read_v0({"reconnect": "1", "sid": "PA_x"}).participant_sid == "PA_x"
    assert read_v0({}).auto_subscribe
    for attributes in ("!", "W10="):
        with pytest.raises(JoinError):
            read_v0({"attributes": attributes})


def test_join_request_without_padding_is_read() -> None:

    request = rtc.JoinRequest(
        reconnect=True, participant_sid="PA_x", connection_settings={"auto_subscribe": True}
    )
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString()).SerializeToString()
    read = read_v1({"join_request": base64.urlsafe_b64encode(wrapped).decode().rstrip("=")})
    assert (read.single_connection, read.auto_subscribe, read.reconnect) == (True, True, True)
    assert (read.participant_sid, read.publisher_offer) == ("PA_x", None)

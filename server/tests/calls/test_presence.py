"""Presence as the media server and the event streams tell it: late, twice, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from callclock_server.calls import call_types, presence, read
from callclock_server.storage import nodes, outbox

NODE, OTHER = "n" * presence.NODE_ID_LENGTH, "o" * presence.NODE_ID_LENGTH
C1, C2 = NODE + "1", NODE + "2"


async def tell(world: Any, use_case: Any, **given: Any) -> Any:
    async with world.database.write() as tx:
        return await use_case(tx, **given)


async def present(world: Any) -> list[str]:
    session = (await world.at_call(read.get_call, world.server)).call["session"]
    return [] if session is None else [p["user_id"] for p in session["participants"]]


@pytest.fixture
async def clinic(empty_world: Any) -> Any:
    await empty_world.set_up(engine="livekit")
    return empty_world


async def test_participant_counts_from_the_arrival_in_the_room(clinic: Any) -> None:
    joined = await clinic.join(clinic.bill)
    assert joined.participant["joined_at"] is None
    clinic.clock.advance(3)
    for _ in range(2):
        assert await tell(
            clinic, presence.media_joined, room=joined.room, identity="bill:default", sid="PA_1"
        )
    assert await present(clinic) == ["bill"]
    assert len(await clinic.told("call.session_participant_joined")) == 1


async def test_departure_of_a_replaced_connection_is_passed_over(clinic: Any) -> None:
    room = (await clinic.join(clinic.bill)).room
    for sid in ("PA_1", "PA_2"):
        await tell(clinic, presence.media_joined, room=room, identity="bill:default", sid=sid)
    assert not await tell(clinic, presence.media_left, room=room, identity="bill:default", sid="PA_1")
    assert await present(clinic) == ["bill"]
    assert await tell(clinic, presence.media_left, room=room, identity="bill:default", sid="PA_2")
    assert not await tell(clinic, presence.media_left, room=room, identity="bill:default", sid="PA_2")
    assert await present(clinic) == []


async def test_late_word_of_a_connection_that_has_closed_brings_nobody_back(clinic: Any) -> None:
    room = (await clinic.join(clinic.bill)).room
    arrival = {"room": room, "identity": "bill:default", "sid": "PA_1"}
    await tell(clinic, presence.media_joined, **arrival)
    await tell(clinic, presence.media_left, **arrival)
    assert not await tell(clinic, presence.media_joined, **arrival)
    assert await present(clinic) == []
    await tell(clinic, presence.reconcile, room=room, identities=["bill:default"])
    assert await present(clinic) == ["bill"]


async def test_device_that_comes_back_by_itself_begins_a_new_stay(clinic: Any) -> None:
    joined = await clinic.join(clinic.bill)
    await tell(clinic, presence.media_joined, room=joined.room, identity="bill:default")
    clinic.clock.advance(10)
    await tell(clinic, presence.media_left, room=joined.room, identity="bill:default")
    clinic.clock.advance(10)
    assert await tell(clinic, presence.media_joined, room=joined.room, identity="bill:default")
    clinic.clock.advance(10)
    record = await clinic.at_call(read.get_record, clinic.server, session_id=joined.session_id)
    (attendance,) = record["participants"]
    assert (len(attendance["intervals"]), attendance["present_seconds"]) == (2, 20.0)


async def test_whoever_has_no_business_in_the_room_is_removed(clinic: Any) -> None:
    joined = await clinic.join(clinic.bill)
    assert not await tell(clinic, presence.media_joined, room=joined.room, identity="stranger:default")
    async with clinic.database.write() as tx:
        rows = await outbox.claim(tx, limit=10, lease_seconds=1)
    removal = ("participant.remove", {"room": joined.room, "cluster": None, "identity": "stranger:default"})
    assert removal in [(row.kind, row.payload) for row in rows]


async def test_reconciling_leaves_no_ghost_and_loses_nobody(clinic: Any) -> None:
    room = (await clinic.join(clinic.bill)).room
    await clinic.join(clinic.lecter)
    await tell(clinic, presence.media_joined, room=room, identity="bill:default")
    await tell(clinic, presence.reconcile, room=room, identities={"lecter:default"})
    assert await present(clinic) == ["lecter"]


async def test_lost_stream_that_comes_back_in_ten_seconds_stays_present(world: Any) -> None:
    await world.join(world.bill, connection_id=C1)
    await tell(world, presence.connection_lost, connection_id=C1, node_id=NODE)
    world.clock.advance(9)
    await tell(world, presence.connection_resumed, connection_id=C1, node_id=NODE)
    world.clock.advance(60)
    await world.sweeper.run_once()
    assert await present(world) == ["bill"]


async def test_lost_stream_that_stays_away_ends_the_presence(world: Any) -> None:
    joined = await world.join(world.bill, connection_id=C1)
    await world.join(world.lecter)
    world.clock.advance(5)
    await tell(world, presence.connection_lost, connection_id=C1, node_id=NODE)
    await tell(world, presence.connection_lost, connection_id="unknown", node_id=NODE)
    world.clock.advance(10)
    await world.sweeper.run_once()
    assert await present(world) == ["lecter"]
    record = await world.at_call(read.get_record, world.server, session_id=joined.session_id)
    assert {a["user_id"]: a["present_seconds"] for a in record["participants"]} == {
        "bill": 5.0,
        "lecter": 15.0,
    }


async def test_streams_of_a_former_process_count_as_lost_from_the_start(world: Any) -> None:
    await world.join(world.bill, connection_id=C1)
    await world.join(world.lecter)
    world.clock.advance(100)
    await tell(world, presence.connections_of_former_process_lost)
    world.clock.advance(11)
    await world.sweeper.run_once()
    assert await present(world) == ["lecter"]


async def test_streams_of_a_node_that_is_gone_count_as_lost(world: Any) -> None:
    await tell(world, nodes.beat, node_id=NODE)
    await tell(world, nodes.beat, node_id=OTHER)
    await world.join(world.bill, connection_id=C1)
    await world.join(world.lecter, connection_id=OTHER + "1")
    assert await tell(world, presence.orphans_lost) == 0
    world.clock.advance(5)
    assert await tell(world, nodes.beat, node_id=OTHER)
    silent_since = world.clock.now() - timedelta(seconds=4)
    assert await tell(world, nodes.bury, silent_since=silent_since) == [NODE]
    assert await tell(world, presence.orphans_lost) == 1
    assert await tell(world, presence.orphans_lost) == 0
    assert await tell(world, presence.lost_connections) == {C1}
    world.clock.advance(11)
    await world.sweeper.run_once()
    assert await present(world) == ["lecter"]


async def test_stream_that_moves_to_another_node_is_lost_with_that_one_only(world: Any) -> None:
    await tell(world, nodes.beat, node_id=OTHER)
    await world.join(world.bill, connection_id=C1)
    await tell(world, presence.connection_resumed, connection_id=C1, node_id=OTHER)
    await world.join(world.bill, connection_id=C1)
    await tell(world, presence.connection_lost, connection_id=C1, node_id=NODE)
    assert await tell(world, presence.orphans_lost) == 0
    assert await tell(world, presence.lost_connections) == set()
    assert await tell(world, presence.connections_on, node_id=OTHER) == {C1}
    await tell(world, nodes.remove, node_id=OTHER)
    assert await tell(world, presence.orphans_lost) == 1


async def test_join_that_names_what_is_no_stream_of_a_node_is_an_orphan(world: Any) -> None:
    await tell(world, nodes.beat, node_id=NODE)
    await world.join(world.bill, connection_id="nonsense")
    assert await tell(world, presence.orphans_lost) == 1


async def test_reload_on_a_new_stream_takes_the_presence_along(world: Any) -> None:
    await world.join(world.bill, connection_id=C1)
    await world.join(world.bill, connection_id=C2)
    await tell(world, presence.connection_lost, connection_id=C1, node_id=NODE)
    world.clock.advance(60)
    await world.sweeper.run_once()
    assert await present(world) == ["bill"]


async def test_unlimited_session_of_lost_streams_ends_after_grace_and_empty_timeout(empty_world: Any) -> None:
    world = empty_world
    await world.set_up(seconds=None)
    await world.join(world.bill, connection_id=C1)
    await tell(world, presence.connection_lost, connection_id=C1, node_id=NODE)
    world.clock.advance(41)
    await world.sweeper.run_once()
    (ended,) = await world.told("call.session_ended")
    assert ended["reason"] == "empty_timeout"


async def test_returning_device_without_the_right_to_join_is_removed(clinic: Any) -> None:
    room = (await clinic.join(clinic.bill)).room
    await clinic.join(clinic.lecter)
    await tell(clinic, presence.media_joined, room=room, identity="bill:default")
    await tell(clinic, presence.media_left, room=room, identity="bill:default")
    await clinic.do(call_types.update_call_type, clinic.server, name="appointment", grants={"patient": []})
    assert not await tell(clinic, presence.media_joined, room=room, identity="bill:default")

"""The end of a call, with LiveKit's own client and the whole server (design rule 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from callclock_server.media.rooms import RoomControl
from callclock_server.testing import RunningServer
from livekit import rtc

from .visit import WITHIN_SECONDS, Seat, Visit, moment

pytestmark = pytest.mark.punctual


async def test_everybody_is_out_of_the_room_within_200_ms_of_the_deadline(server: RunningServer) -> None:
    async with Visit(server, seconds=4) as visit:
        answers = [await visit.join("specialist"), await visit.join("patient")]
        seats = [await Seat().connect(answer["media"]) for answer in answers]
        deadline = moment(answers[0]["call"]["session"]["timer_ends_at"])
        async with asyncio.timeout(WITHIN_SECONDS):
            await asyncio.gather(*(seat.gone.wait() for seat in seats))
        for seat in seats:
            assert seat.gone_at is not None
            assert timedelta(0) <= seat.gone_at - deadline <= timedelta(milliseconds=200)

        call = await visit.state()
        assert call["ended_at"] == answers[0]["call"]["session"]["timer_ends_at"]
        assert call["ended_reason"] == "max_duration_reached"
        with pytest.raises(rtc.ConnectError):
            await Seat().connect(answers[1]["media"])
        refused = await visit.backend.post(
            f"{visit.path}/join", json={}, headers=server.headers(visit.people["patient"])
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "call-ended")
        assert answers[0]["media"]["room"] not in await rooms(server)


async def rooms(server: RunningServer) -> list[str]:
    """The rooms of the media engine."""
    assert server.app is not None
    return sorted(await server.call(engine(server).list_rooms()))


def engine(server: RunningServer) -> RoomControl:
    """The server's own way to the media engine."""
    assert server.app is not None
    control: RoomControl = server.app.state.edge.media.clusters.of(None).rooms
    return control


async def test_a_room_that_reappears_after_the_end_is_deleted_again(server: RunningServer) -> None:
    async with Visit(server, seconds=60) as visit:
        room = (await visit.join("patient"))["media"]["room"]
        await visit.must("POST", f"{visit.path}/end")
        await until(lambda: absent(server, room))
        assert server.app is not None
        await server.call(engine(server).ensure_room(room))
        await until(lambda: absent(server, room))


async def test_presence_follows_the_media_room(server: RunningServer) -> None:
    async with Visit(server, seconds=60) as visit:
        answer = await visit.join("patient")
        assert answer["participant"]["joined_at"] is None
        seat = await Seat().connect(answer["media"])
        await until(lambda: present(visit, ["patient"]))
        await seat.room.disconnect()
        await until(lambda: present(visit, []))
        assert (await visit.state())["session"]["timer_ends_at"] is not None


async def test_a_member_who_is_removed_leaves_the_room_and_cannot_stay_there(server: RunningServer) -> None:
    async with Visit(server, seconds=60) as visit:
        answer = await visit.join("patient")
        seat = await Seat().connect(answer["media"])
        await until(lambda: present(visit, ["patient"]))
        await asyncio.sleep(1.0)  # a token of the same second as the removal is not told from a newer one
        await visit.must("POST", f"{visit.path}/members", {"remove_members": [visit.people["patient"]]})
        async with asyncio.timeout(WITHIN_SECONDS):
            await seat.gone.wait()
        # The embedded server revokes the token; LiveKit lets it in, and tells of it.
        try:
            again = await Seat().connect(answer["media"])
        except rtc.ConnectError:
            return
        async with asyncio.timeout(1.0):
            await again.gone.wait()


async def test_the_clock_can_be_read_in_the_room(server: RunningServer) -> None:
    async with Visit(server, seconds=60) as visit:
        answer = await visit.join("patient")
        seat = await Seat().connect(answer["media"])
        told = json.loads(seat.room.metadata)
        session = answer["call"]["session"]
        assert told == {
            "cid": answer["call"]["cid"],
            "session_id": session["id"],
            "state": "running",
            "started_at": session["started_at"],
            "timer_ends_at": session["timer_ends_at"],
            "ended_at": None,
        }
        changes: asyncio.Queue[str] = asyncio.Queue()
        seat.room.on("room_metadata_changed", lambda _old, new: changes.put_nowait(new))
        extended = await visit.must("POST", f"{visit.path}/extend", {"seconds": 90})
        async with asyncio.timeout(WITHIN_SECONDS):
            told = json.loads(await changes.get())
        assert told["timer_ends_at"] == extended["call"]["session"]["timer_ends_at"]
        for seconds in (1, 2, 3, 4, 5):
            extended = await visit.must("POST", f"{visit.path}/extend", {"seconds": seconds})
        newest = extended["call"]["session"]["timer_ends_at"]
        async with asyncio.timeout(WITHIN_SECONDS):
            while json.loads(seat.room.metadata)["timer_ends_at"] != newest:
                await changes.get()
        await seat.room.disconnect()


async def test_a_right_that_is_taken_away_stops_the_video_within_a_second(server: RunningServer) -> None:
    async with Visit(server, seconds=60) as visit:
        doctor = await Seat().connect((await visit.join("specialist"))["media"])
        patient = await Seat().connect((await visit.join("patient"))["media"])
        published, unpublished = asyncio.Event(), asyncio.Event()
        doctor.room.on("track_subscribed", lambda *_: published.set())
        doctor.room.on("track_unpublished", lambda *_: unpublished.set())
        await until(lambda: present(visit, ["specialist", "patient"]))
        source = rtc.VideoSource(320, 180)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        await patient.room.local_participant.publish_track(track, options)
        async with asyncio.timeout(WITHIN_SECONDS):
            await published.wait()
        grants = {visit.roles["patient"]: ["join-call", "send-audio"]}
        await visit.must("PATCH", f"/v1/call_types/{visit.type}", {"grants": grants})
        async with asyncio.timeout(1.0):
            await unpublished.wait()
        for seat in (doctor, patient):
            await seat.room.disconnect()


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = WITHIN_SECONDS) -> None:
    """Wait for something that another process of the server brings about."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for has no signal of its own
            await asyncio.sleep(0.02)


async def absent(server: RunningServer, room: str) -> bool:
    return room not in await rooms(server)


async def present(visit: Visit, who: list[str]) -> bool:
    session = (await visit.state())["session"]
    found = {person["user_id"] for person in session["participants"]} if session else set()
    return found == {visit.people[one] for one in who}

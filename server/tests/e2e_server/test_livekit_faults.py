"""A real LiveKit that is away, killed, silent, or refuses us: nobody is lost, nobody stays too long."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from callclock_server.media.probe import Engine, look_at_key
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit
from livekit import rtc

from .test_end_of_call import engine, present, rooms, until
from .visit import Seat, Visit, moment
from .with_livekit import Postbox, call_with_livekit

BACK_WITHIN_SECONDS = 20.0


async def test_presence_comes_from_listing_when_no_webhook_arrives(tmp_path: Path) -> None:
    with call_with_livekit(tmp_path, webhooks=[]) as (server, _):
        async with Visit(server, seconds=60) as visit:
            seats = {who: await Seat().connect((await visit.join(who))["media"]) for who in visit.people}
            await until(lambda: present(visit, ["specialist", "patient"]))
            await seats["patient"].room.disconnect()
            await until(lambda: present(visit, ["specialist"]))
            await seats["specialist"].room.disconnect()


async def test_doubled_and_disordered_webhooks_leave_no_ghost_and_lose_nobody(tmp_path: Path) -> None:
    with Postbox() as postbox, call_with_livekit(tmp_path, webhooks=[postbox.url]) as (server, _):
        async with Visit(server, seconds=60) as visit:
            doctor = await Seat().connect((await visit.join("specialist"))["media"])
            patient = await Seat().connect((await visit.join("patient"))["media"])
            await until(lambda: postbox.has("participant_joined", 2))
            await patient.room.disconnect()
            await until(lambda: postbox.has("participant_left", 1))
            letters = postbox.letters()
            for letter in [*reversed(letters), *letters, *reversed(letters)]:
                await letter.deliver(f"{server.url}/v1/media/webhook")
            await until(lambda: present(visit, ["specialist"]), seconds=BACK_WITHIN_SECONDS)
            await doctor.room.disconnect()


async def test_people_come_back_to_a_livekit_that_was_killed(tmp_path: Path) -> None:
    with call_with_livekit(tmp_path) as (server, livekit):
        async with Visit(server, seconds=120) as visit:
            seats = {who: await Seat().connect((await visit.join(who))["media"]) for who in visit.people}
            await until(lambda: present(visit, ["specialist", "patient"]))
            before = (await visit.state())["session"]
            livekit.kill()
            livekit.start()
            restarted_at = time.monotonic()
            # Their clients bring them back; whoever is refused, since the room was not there yet, joins anew.
            for who, seat in seats.items():
                if not await seat.is_back(within_seconds=BACK_WITHIN_SECONDS):
                    seats[who] = await Seat().connect((await visit.join(who))["media"])
            back_after = time.monotonic() - restarted_at
            await until(lambda: in_room(server, before["id"], 2))
            await until(lambda: present(visit, ["specialist", "patient"]))
            after = (await visit.state())["session"]
            assert (after["id"], after["timer_ends_at"]) == (before["id"], before["timer_ends_at"])
            print(f"everybody back {back_after:.1f} s after LiveKit was")
            for seat in seats.values():
                await seat.room.disconnect()
            await until(lambda: present(visit, []))


@pytest.mark.punctual
async def test_rooms_are_there_again_a_second_after_livekit_is(tmp_path: Path) -> None:
    with call_with_livekit(tmp_path) as (server, livekit):
        async with Visit(server, seconds=60) as visit:
            answer = await visit.join("patient")
            room = answer["media"]["room"]
            livekit.kill()
            livekit.start()
            began = time.monotonic()
            await until(lambda: exists(server, room))
            assert time.monotonic() - began < 1.5
            seat = await Seat().connect(answer["media"])
            assert answer["call"]["session"]["timer_ends_at"] in seat.room.metadata
            await seat.room.disconnect()


@pytest.mark.punctual
async def test_a_call_ends_on_time_while_livekit_is_away_and_nobody_gets_in_afterwards(
    tmp_path: Path,
) -> None:
    with call_with_livekit(tmp_path) as (server, livekit):
        async with Visit(server, seconds=3) as visit:
            answer = await visit.join("patient")
            seat = await Seat().connect(answer["media"])
            await until(lambda: present(visit, ["patient"]))
            deadline = moment(answer["call"]["session"]["timer_ends_at"])
            livekit.pause()  # it hangs across the deadline, with everybody in it
            await until_ended(visit)
            late = datetime.now(UTC) - deadline
            assert (await visit.state())["ended_at"] == answer["call"]["session"]["timer_ends_at"]
            assert late < timedelta(seconds=1)
            await asyncio.sleep(1.0)
            livekit.resume()
            resumed = time.monotonic()
            async with asyncio.timeout(BACK_WITHIN_SECONDS):
                await seat.gone.wait()
            out_after = time.monotonic() - resumed
            await until(lambda: absent(server, answer["media"]["room"]))
            with pytest.raises(rtc.ConnectError):
                await Seat().connect(answer["media"])
            print(f"ended {late.total_seconds():.3f} s late, out {out_after:.1f} s after LiveKit was back")
            assert out_after < 6.0


async def test_a_room_is_gone_though_livekit_was_killed_across_the_deadline(tmp_path: Path) -> None:
    with call_with_livekit(tmp_path) as (server, livekit):
        async with Visit(server, seconds=2) as visit:
            answer = await visit.join("patient")
            livekit.kill()
            await until_ended(visit)
            livekit.start()
            await until(lambda: drained(server))
            assert await absent(server, answer["media"]["room"])
            with pytest.raises(rtc.ConnectError):
                await Seat().connect(answer["media"])


async def test_a_livekit_that_refuses_the_key_makes_not_ready_and_is_got_over(tmp_path: Path) -> None:
    with call_with_livekit(tmp_path) as (server, livekit):
        async with Visit(server, seconds=60) as visit:
            await visit.join("patient")
            good = livekit.api_secret
            livekit.kill()
            livekit.api_secret = "another-secret-of-at-least-32-characters"
            livekit.start()
            await until(lambda: ready(server, 503))
            extended = await visit.must("POST", f"{visit.path}/extend", {"seconds": 60})
            assert extended["call"]["session"]["clock"]["state"] == "running"
            livekit.kill()
            livekit.api_secret = good
            livekit.start()
            await until(lambda: ready(server, 200))


async def test_new_sessions_go_to_the_cluster_that_answers_and_stay_there(tmp_path: Path) -> None:
    demand_livekit()
    one, two = LiveKit(tmp_path / "one"), LiveKit(tmp_path / "two", api_key="other")
    settings = {
        "livekit_url": f"one={one.url},two={two.url}",
        "livekit_api_key": "one=callclock,two=other",
        "livekit_api_secret": one.api_secret,
        "reconcile_seconds": 1.0,
    }
    one.start()
    with two, running_server(**settings) as server:
        try:
            await spread_over(server, one, two)
        finally:
            one.kill()


async def spread_over(server: RunningServer, one: LiveKit, two: LiveKit) -> None:
    async with Visit(server, seconds=60) as first, Visit(server, seconds=60) as second:
        answers = {visit: await visit.join("patient") for visit in (first, second)}
        urls = {answer["media"]["url"] for answer in answers.values()}
        assert urls == {one.url, two.url}
        on_one = next(visit for visit in answers if answers[visit]["media"]["url"] == one.url)
        seat = await Seat().connect(answers[on_one]["media"])
        again = await on_one.join("specialist")
        assert again["media"]["url"] == one.url
        await until(lambda: present_by_listing(on_one))
        one.kill()
        for _ in range(4):  # at once, before anybody has looked: the join itself finds out
            async with Visit(server, seconds=60) as later:
                answer = await later.join("patient")
                assert answer["media"]["url"] == two.url
                replacement = await Seat().connect(answer["media"])
                await replacement.room.disconnect()
        finding = await look_at_key(Engine(two.url, "other", two.api_secret))
        assert finding.level == "ok"
        one.start()
        if not await seat.is_back(within_seconds=BACK_WITHIN_SECONDS):
            seat = await Seat().connect((await on_one.join("patient"))["media"])
        assert (await on_one.join("specialist"))["media"]["url"] == one.url
        await seat.room.disconnect()


async def present_by_listing(visit: Visit) -> bool:
    return await present(visit, ["patient"])


async def until_ended(visit: Visit) -> None:
    async def ended() -> bool:
        return (await visit.state())["ended_at"] is not None

    await until(ended)


async def absent(server: RunningServer, room: str) -> bool:
    return room not in await rooms(server)


async def exists(server: RunningServer, room: str) -> bool:
    return room in await rooms(server)


async def drained(server: RunningServer) -> bool:
    """Whether every promised effect has been carried out."""
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{server.url}/metrics")).text
    return "callclock_outbox_rows 0.0" in metrics


async def in_room(server: RunningServer, room: str, people: int) -> bool:
    return len(await server.call(engine(server).list_participants(room)) or []) == people


async def ready(server: RunningServer, status: int) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{server.url}/readyz")).status_code == status

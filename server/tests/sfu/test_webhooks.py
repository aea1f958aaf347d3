"""Webhooks: signed as livekit-api's receiver expects, in order per room, retried."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from callclock_server.sfu import RetryPolicy
from callclock_server.sfu.webhooks import Webhooks
from google.protobuf.json_format import Parse
from livekit import api
from livekit.protocol.models import Room
from livekit.protocol.webhook import WebhookEvent

from .native import natives
from .running import ENGINES, KEY, SECRET, Running, running, running_engine, token
from .signalling import Raw

QUICK = RetryPolicy(pauses=(0.01, 0.01, 0.01), timeout_seconds=2.0)


class Receiver:
    """An endpoint that verifies what it gets; `answer` decides the status per event."""

    def __init__(
        self, answer: Callable[[WebhookEvent], int] = lambda event: 200, *, checks_time: bool = True
    ) -> None:
        self.events: list[WebhookEvent] = []
        self.refused: list[WebhookEvent] = []
        self._answer = answer
        self._arrived = asyncio.Event()
        checked = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
        self._receiver = checked if checks_time else Unchecked()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        assert headers["content-type"] == "application/webhook+json"
        event = self._receiver.receive(body.decode(), headers["authorization"])
        status = self._answer(event)
        (self.events if status == 200 else self.refused).append(event)
        self._arrived.set()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @property
    def names(self) -> list[str]:
        return [event.event for event in self.events]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    """The receiver behind a real HTTP server; yields its URL."""
    async with running(lambda server: receiver) as site:
        yield f"{site.http_url}/hook"


@pytest.mark.parametrize("engine", ENGINES)
async def test_life_of_a_room_is_told_in_order(engine: str) -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        async with running_engine(engine, webhook_urls=(url,), departure_timeout=1) as site:
            await site.create_room(metadata="m")
            async with natives(1, single_connection=True) as (ann,):
                await ann.join(site.url, token("ann"))
                publication = await ann.publish_microphone()
                await receiver.until(lambda: "track_published" in receiver.names)
                await ann.room.local_participant.unpublish_track(publication.sid)
                await receiver.until(lambda: "track_unpublished" in receiver.names)
            await receiver.until(lambda: "room_finished" in receiver.names)
        # LiveKit keeps the order of what concerns one thing; here everything has waited for the former.
        assert receiver.names == [
            "room_started",
            "participant_joined",
            "track_published",
            "track_unpublished",
            "participant_left",
            "room_finished",
        ]
        assert len({event.id for event in receiver.events}) == 6
        assert all(event.room.name == "room" and event.created_at for event in receiver.events)
        joined, published, left = receiver.events[1], receiver.events[2], receiver.events[4]
        assert joined.participant.identity == "ann"
        assert published.track.sid == publication.sid
        assert left.participant.sid == joined.participant.sid


@pytest.mark.parametrize(
    ("seconds", "told"), [(2.0, ["room_started", "room_finished"]), (0.0, ["room_started"])]
)
async def test_close_tells_of_the_end_only_where_somebody_listens(seconds: float, told: list[str]) -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        async with running(webhook_urls=[url], last_webhooks_seconds=seconds) as site:
            await site.create_room()
            await receiver.until(lambda: "room_started" in receiver.names)
        assert receiver.names == told


async def test_participant_that_never_connects_is_reported_as_aborted() -> None:
    receiver = Receiver()
    async with receiving(receiver) as url, running(webhook_urls=[url]) as site:
        await site.create_room()
        await abort(site)
        await receiver.until(lambda: "participant_connection_aborted" in receiver.names)
        assert "participant_joined" not in receiver.names


async def abort(site: Running) -> None:
    async with Raw.joined(site, token("ann")) as ann:
        await ann.send(leave={})
        await ann.until_closed()


@pytest.fixture
async def hooks() -> AsyncIterator[Callable[..., Webhooks]]:
    made: list[Webhooks] = []

    def make(*urls: str) -> Webhooks:
        made.append(Webhooks(urls, api_key=KEY, secret=SECRET, now=lambda: 1.8e9, policy=QUICK))
        return made[-1]

    yield make
    for webhooks in made:
        await webhooks.close()


def event(name: str, room: str = "room") -> WebhookEvent:
    return WebhookEvent(event=name, room=Room(name=room))


async def test_failing_delivery_holds_back_its_room_only(hooks: Callable[..., Webhooks]) -> None:
    patience = {"first": 2}

    def answer(event: WebhookEvent) -> int:
        patience[event.event] = patience.get(event.event, 0) - 1
        return 503 if patience[event.event] >= 0 else 200

    receiver = Receiver(answer, checks_time=False)
    async with receiving(receiver) as url:
        webhooks = hooks(url)
        for made in (event("first"), event("second"), event("elsewhere", "other")):
            webhooks.notify(made)
        await receiver.until(lambda: len(receiver.events) == 3)
        order = receiver.names
        assert order.index("first") < order.index("second")
        assert order[0] == "elsewhere"
        assert [refused.event for refused in receiver.refused] == ["first", "first"]
        assert receiver.refused[0].id == next(e.id for e in receiver.events if e.event == "first")


class Unchecked:
    """A receiver for tests with a clock of their own: it reads without checking the time."""

    def receive(self, body: str, token: str) -> WebhookEvent:
        return Parse(body, WebhookEvent())


async def test_event_given_up_is_counted_in_the_next(hooks: Callable[..., Webhooks]) -> None:
    receiver = Receiver(lambda event: 500 if event.event == "lost" else 200, checks_time=False)
    async with receiving(receiver) as url:
        webhooks = hooks(url)
        webhooks.notify(event("lost"))
        webhooks.notify(event("kept"))
        await receiver.until(lambda: "kept" in receiver.names)
        assert len(receiver.refused) == len(QUICK.pauses) + 1
        assert receiver.events[0].num_dropped == 1


async def test_every_url_gets_every_event(hooks: Callable[..., Webhooks]) -> None:
    one, two = Receiver(checks_time=False), Receiver(checks_time=False)
    async with receiving(one) as first, receiving(two) as second:
        hooks(first, second).notify(event("told"))
        await one.until(lambda: one.names == ["told"])
        await two.until(lambda: two.names == ["told"])
        assert one.events[0].id == two.events[0].id


async def test_unreachable_url_disturbs_nobody(hooks: Callable[..., Webhooks]) -> None:
    receiver = Receiver(checks_time=False)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        nobody = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        await told_beside(receiver, nobody, hooks)


async def told_beside(receiver: Receiver, nobody: str, hooks: Callable[..., Webhooks]) -> None:
    async with receiving(receiver) as url:
        hooks(nobody, url).notify(event("told"))
        await receiver.until(lambda: receiver.names == ["told"])

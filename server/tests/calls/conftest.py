"""A deployment in a few lines: a real database, a clock that stands still, people and an appointment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
import pytest
from callclock_server.bus import LocalBus, connect
from callclock_server.calls import call_types, create, join, roles, users
from callclock_server.calls.answers import JoinAnswer
from callclock_server.clock import Sweeper
from callclock_server.domain.permissions import SERVER, Actor
from callclock_server.storage import events
from callclock_server.storage.database import Database, Transaction
from callclock_server.timekeeping import FakeClock

P = ParamSpec("P")
R = TypeVar("R")
UseCase = Callable[Concatenate[Transaction, Actor, P], Awaitable[R]]

SPECIALIST = [
    "join-call",
    "send-audio",
    "send-video",
    "update-call",
    "update-call-settings",
    "create-call",
    "end-call",
]
PATIENT = ["join-call", "send-audio", "send-video"]


class World:
    """What a test talks to. The call is `appointment:a1`; `lecter` may extend, `bill` may not."""

    server = SERVER
    lecter = Actor("lecter")
    bill = Actor("bill")
    stranger = Actor("stranger")

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.bus = LocalBus()
        connect(database, self.bus)
        self.sweeper = Sweeper(database, self.bus)

    async def do(self, use_case: UseCase[P, R], by: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case in a transaction of its own."""
        async with self.database.write() as tx:
            return await use_case(tx, by, *args, **kwargs)

    async def at_call(self, use_case: Any, by: Actor, **kwargs: Any) -> Any:
        """Run a use case on the appointment."""
        return await self.do(use_case, by, **{"type": "appointment", "id": "a1", **kwargs})

    async def join(self, by: Actor, **kwargs: Any) -> JoinAnswer:
        """Join the appointment."""
        answer: JoinAnswer = await self.at_call(join.join_call, by, **kwargs)
        return answer

    async def told(self, *kinds: str, cid: str = "appointment:a1") -> list[dict[str, Any]]:
        """Return the call's events, all or those of some kinds."""
        async with self.database.read() as tx:
            rows = await events.of_call(tx, cid=cid)
        payloads = [orjson.loads(row.payload) for row in rows]
        return [payload for payload in payloads if not kinds or payload["type"] in kinds]

    async def kinds(self) -> list[str]:
        """Return the kinds of the call's events without their common beginning."""
        return [event["type"].removeprefix("call.") for event in await self.told()]

    def at(self, seconds: float) -> datetime:
        """Return the moment that is so far from now."""
        return self.clock.now() + timedelta(seconds=seconds)

    async def set_up(self, *, engine: str = "none", seconds: int | None = 3600, **limits: Any) -> None:
        """Create roles, the call type, people and the appointment."""
        for name in ("specialist", "patient"):
            await self.do(roles.create_role, SERVER, name=name)
        await self.do(
            call_types.create_call_type,
            SERVER,
            name="appointment",
            grants={"specialist": [*SPECIALIST], "patient": PATIENT},
            settings={"limits": {"max_duration_seconds": seconds, **limits}, "media": {"engine": engine}},
        )
        people = {"lecter": "specialist", "bill": "patient", "stranger": "patient"}
        await self.do(
            users.upsert_users,
            SERVER,
            users={
                user_id: {"id": user_id, "name": user_id.title(), "role": role}
                for user_id, role in people.items()
            },
        )
        data = {"members": [{"user_id": "lecter"}, {"user_id": "bill"}], "created_by_id": "lecter"}
        await self.at_call(create.get_or_create_call, SERVER, data=data)


@pytest.fixture
async def empty_world(database_url: str) -> AsyncIterator[World]:
    clock = FakeClock()
    database = await Database.open(database_url, clock=clock)
    yield World(database, clock)
    await database.close()


@pytest.fixture
async def world(empty_world: World) -> World:
    await empty_world.set_up()
    return empty_world

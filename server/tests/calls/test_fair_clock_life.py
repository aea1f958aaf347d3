"""Any sequence of acts through the use cases, on a real database, keeps the promises of the fair clock.

Each act runs in a transaction of its own and reads everything anew from the database, as if a process had
been killed and another one had gone on. What is refused changes nothing.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy as sa
from callclock_server.calls import (
    backstage,
    call_types,
    clock_by_hand,
    extend,
    extension_requests,
    leave,
    members,
    offers,
    presence,
    read,
    update,
    verifying,
)
from callclock_server.domain import errors

CALL = {"type": "appointment", "id": "a1"}
ROLES = ["specialist", "patient"]
LIMITS = {
    "starts": ["first_join", "all_roles", "manual"],
    "pause_when_absent": [[], ["specialist"], ROLES],
    "absence_grace_seconds": [0, 20],
    "max_pause_seconds": [0, 300],
    "max_wall_seconds": [None, 5000],
    "overtime_seconds": [0, 200],
    "no_show_seconds": [None, 900],
    "no_show_action": ["end", "tell"],
    "extension": [{}, {"max_count": 2}, {"consent_roles": ["patient"]}, {"cooldown_seconds": 60}],
}
SPANS = [0, 0.25, 7, 20, 61, 333, 1800]


class Life:
    """One call under arbitrary acts of `bill`, who may do nothing, and of others."""

    def __init__(self, world: Any, choice: random.Random) -> None:
        self.world, self.choice = world, choice
        self.given = 3600

    def people(self) -> Any:
        return self.choice.choice([self.world.lecter, self.world.bill])

    async def step(self) -> None:
        acts = [
            self.time, self.time, self.join, self.join, self.leave, self.lose, self.by_hand, self.by_hand,
            self.extend, self.answer, self.ask, self.answer_request, self.policy, self.role, self.stage,
        ]  # fmt: skip
        try:
            await self.choice.choice(acts)()
        except errors.CallclockError:
            return

    async def time(self) -> None:
        self.world.clock.advance(self.choice.choice(SPANS))
        if self.choice.random() < 0.7:
            await self.world.sweeper.run_once()

    async def join(self) -> None:
        device = self.choice.choice(["phone", "desk"])
        await self.world.join(self.people(), device_id=device, connection_id=f"c-{device}")

    async def leave(self) -> None:
        await self.world.at_call(leave.leave_call, self.people())

    async def lose(self) -> None:
        async with self.world.database.write() as tx:
            if self.choice.random() < 0.5:
                await presence.connection_lost(tx, connection_id="c-phone", node_id="n")
            else:
                await presence.connection_resumed(tx, connection_id="c-phone", node_id="n")

    async def by_hand(self) -> None:
        deeds = [clock_by_hand.start_clock, clock_by_hand.pause_clock, clock_by_hand.resume_clock]
        await self.world.at_call(self.choice.choice(deeds), self.people())

    async def extend(self) -> None:
        seconds = self.choice.choice([60, 600, -60, -900])
        answer = await self.world.at_call(extend.extend_call, self.people(), seconds=seconds)
        self.given += max(0, seconds) if answer.change else 0

    async def answer(self) -> None:
        clock = await self.clock()
        if clock and clock["offer"]:
            deed = self.choice.choice([offers.accept_offer, offers.decline_offer])
            answer = await self.world.at_call(deed, self.people(), offer_id=clock["offer"]["id"])
            self.given += answer.change["seconds"] if answer.change else 0

    async def ask(self) -> None:
        await self.world.at_call(extension_requests.request_extension, self.people(), seconds=300)

    async def answer_request(self) -> None:
        clock = await self.clock()
        if clock and clock["requests"]:
            deed = self.choice.choice(
                [extension_requests.approve_request, extension_requests.decline_request]
            )
            request_id = clock["requests"][0]["id"]
            answer = await self.world.at_call(deed, self.people(), request_id=request_id)
            self.given += answer.change["seconds"] if answer.change else 0

    async def policy(self) -> None:
        key = self.choice.choice(sorted(LIMITS))
        limits = {key: self.choice.choice(LIMITS[key])}
        await self.world.at_call(
            update.update_call, self.people(), changes={"settings_override": {"limits": limits}}
        )

    async def role(self) -> None:
        role = self.choice.choice(["specialist", "patient", None])
        who = [{"user_id": "lecter", "role": role}]
        await self.world.at_call(members.update_members, self.world.server, update_members=who)

    async def stage(self) -> None:
        deed = self.choice.choice([backstage.go_live, backstage.stop_live])
        await self.world.at_call(deed, self.world.server)

    async def clock(self) -> Any:
        async with self.world.database.read() as tx:
            session = (await read.get_call(tx, self.world.server, **CALL)).call["session"]
        return session["clock"] if session else None

    async def check(self) -> None:
        """The record of every session is what ledger and log come to, and adds up."""
        async with self.world.database.read() as tx:
            ids = [row[0] for row in await tx.all(sa.text("SELECT id FROM sessions"))]
            for session_id in ids:
                found = await verifying.verify_record(tx, self.world.server, **CALL, session_id=session_id)
                assert found == []

    async def finish(self) -> None:
        """Waiting is enough to reach the end, and each end is told once."""
        self.world.clock.advance(3 * 86_400)
        await self.world.sweeper.run_once()
        assert await self.clock() is None
        await self.check()
        ended = await self.world.told("call.session_ended")
        assert len({event["session_id"] for event in ended}) == len(ended)
        for event in ended:
            record = event["record"]
            if record is not None:
                parts = [record[f"{name}_seconds"] for name in ("waiting", "running", "paused", "overtime")]
                assert abs(sum(parts) - record["wall_seconds"]) < 1e-6 or record["void"]
                assert record["running_seconds"] <= self.given + 1e-6
        keys = [
            (event["session_id"], event["threshold_seconds"], event["timer_ends_at"])
            for event in await self.world.told("call.session_timer_warning")
        ]
        assert len(set(keys)) == len(keys)


async def play(world: Any, seed: int) -> None:
    choice = random.Random(seed)
    limits = {key: choice.choice(values) for key, values in LIMITS.items()}
    room = {"enabled": choice.random() < 0.3, "opens": "manual"}
    await world.do(
        call_types.update_call_type,
        world.server,
        name="appointment",
        settings={"limits": {"required_roles": ROLES, **limits}, "backstage": room},
    )
    life = Life(world, choice)
    for number in range(40):
        await life.step()
        if number % 10 == 9:
            await life.check()
    await life.finish()


@pytest.mark.parametrize("seed", range(10))
async def test_any_sequence_of_acts_keeps_the_promises(world: Any, seed: int) -> None:
    await play(world, seed)

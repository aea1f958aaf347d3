"""A seeded random mixture of faults over a busy cluster, for as long as one likes.

Calls come and go at all times, each watched at several nodes; some are extended through random nodes, some
keys are used twice. Meanwhile one fault after the other strikes, sometimes two at once. A call is judged when
its end has been heard of everywhere; everything that was acknowledged is compared once more in the end.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
from callclock_server.testing import user_token

from .clients import Caller, Journal, Refused, Watcher
from .faults import EVERY, Fault
from .stage import Stage
from .trial import TYPE, USERS, path
from .verdict import Books, Stall, excused_until, lost_participants, promises_left, wrong_records

CALLS_AT_ONCE = 10
CALL_SECONDS = (2, 12)
CALM_SECONDS = (0.5, 3.0)
FAULT_SECONDS = (0.5, 5.0)
TWO_AT_ONCE = 0.3
WATCHERS_PER_NODE = 2


@dataclass
class Tally:
    """What happened, for the table."""

    strikes: Counter[str] = field(default_factory=Counter)
    worst: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    extensions: int = 0
    refused: int = 0
    reconnects: int = 0

    def note(self, late: float, faults: list[str]) -> None:
        for name in faults or ["no fault"]:
            self.worst[name] = max(self.worst.get(name, 0.0), late)

    def table(self) -> str:
        """The faults, how often each struck, and the worst lateness of a call that ended meanwhile."""
        names = ["no fault", *(fault.name for fault in EVERY)]
        rows = [f"{'fault':<38}{'times':>6}{'worst lateness':>16}"]
        for name in names:
            times = self.strikes.get(name, "-")
            worst = f"{self.worst[name]:.2f} s" if name in self.worst else "-"
            rows.append(f"{name:<38}{times!s:>6}{worst:>16}")
        return "\n".join(rows)


@dataclass
class _Struck:
    name: str
    began: float
    ended: float = float("inf")


class Chaos:
    """`await Chaos(stage, seed=7).run(minutes=3)`; raises AssertionError with whatever is not as promised."""

    def __init__(self, stage: Stage, *, seed: int, say: Callable[[str], None] = print) -> None:
        self.stage = stage
        self.seed = seed
        self.tally = Tally()
        self.journal = Journal()
        self._say = say
        self._random = random.Random(seed)
        self._faults: list[str] = []
        self._struck: list[_Struck] = []
        self._watchers: list[Watcher] = []
        self._stall = Stall(stage.database_url)
        self._numbers = itertools.count(1)
        self._busy_until = 0.0

    async def run(self, *, minutes: float) -> None:
        self._say(f"seed {self.seed}, {minutes:g} minutes")
        self._backend = Caller(self.stage)
        self._people = {user: Caller(self.stage, user_token(user, ttl_seconds=86_400)) for user in USERS}
        places = [n for n in range(len(self.stage.nodes)) for _ in range(WATCHERS_PER_NODE)]
        self._watchers = [Watcher(self.stage, USERS[n % 2], first=n) for n in places]
        self._busy_until = time.monotonic() + 60 * minutes
        try:
            async with self.stage.healed(), self._stall, asyncio.TaskGroup() as tasks:
                for number in range(CALLS_AT_ONCE):
                    tasks.create_task(self._appointments(random.Random(self.seed * 1000 + number)))
                tasks.create_task(self._misfortunes())
            self._faults += await promises_left(self.stage.database_url, self.stage.engine)
            faults = await lost_participants(self.stage.database_url, self.journal)
            self._faults += [f"an acknowledged join is lost: {one}" for one in faults]
            self._faults += [fault for watcher in self._watchers for fault in watcher.faults]
            self.tally.reconnects = sum(watcher.connects for watcher in self._watchers) - len(places)
        finally:
            await asyncio.gather(*(watcher.close() for watcher in self._watchers))
            for caller in (self._backend, *self._people.values()):
                await caller.close()
        self._say(self.tally.table())
        self._say(
            f"{self.tally.calls} calls, {self.tally.extensions} extensions ({self.tally.refused} refused), "
            f"{self.tally.reconnects} reconnects; longest stall of the machine {self._stall.longest():.2f} s"
        )
        assert not self._faults, "\n".join([f"seed {self.seed}", *self._faults])

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._busy_until and not self._faults

    # -- what goes wrong -----------------------------------------------------------------------------------

    async def _misfortunes(self) -> None:
        while self._goes_on:
            await asyncio.sleep(self._random.uniform(*CALM_SECONDS))
            chosen = [self._random.choice(EVERY)]
            if self._random.random() < TWO_AT_ONCE:
                chosen.append(self._random.choice([fault for fault in EVERY if fault not in chosen]))
            # Two nodes at the most: the third one keeps the promise.
            places = self._random.sample(range(len(self.stage.nodes)), 2)
            waits = [0.0, self._random.uniform(0, 1)]
            await asyncio.gather(
                *(self._strike(fault, *rest) for fault, *rest in zip(chosen, places, waits, strict=False))
            )
            await self.stage.all_ready()

    async def _strike(self, fault: Fault, place: int, wait: float) -> None:
        await asyncio.sleep(wait)
        seconds = self._random.uniform(FAULT_SECONDS[0], min(FAULT_SECONDS[1], fault.longest_seconds))
        struck = _Struck(fault.name, time.time())
        self._struck.append(struck)
        self.tally.strikes[fault.name] += 1
        await fault.strike(self.stage, place, seconds)
        struck.ended = time.time()

    # -- what has to go right ------------------------------------------------------------------------------

    async def _appointments(self, chance: random.Random) -> None:
        while self._goes_on:
            engine = "livekit" if chance.random() < 0.2 else "none"
            cid = f"{TYPE[engine]}:chaos-{self.seed}-{next(self._numbers)}"
            try:
                await self._appointment(cid, chance)
            except TimeoutError:
                self._faults.append(f"{cid}: nobody answered, or an end was never told")

    async def _appointment(self, cid: str, chance: random.Random) -> None:
        began = time.monotonic()
        seconds = chance.randint(*CALL_SECONDS)
        limits = {"limits": {"max_duration_seconds": seconds}}
        body = {"create": True, "data": {"settings_override": limits}}
        first = chance.randrange(len(self.stage.nodes))
        try:
            for place, user in enumerate(USERS):
                # With tokens of their own: a server token may join after the end, and begin anew.
                answer = await self._people[user].must("POST", f"{path(cid)}/join", body, first=first + place)
                self.journal.joined(answer)
                body = {}
        except Refused as refusal:
            if refusal.code != "call-ended":  # it took so long that the call is over
                raise
        watchers = chance.sample(self._watchers, 3)
        await asyncio.gather(*(watcher.watch([cid]) for watcher in watchers))
        for number in range(chance.randrange(4)):
            await asyncio.sleep(chance.uniform(0.1, seconds / 3))
            await self._extend(cid, chance, key=f"{number // 2}", seconds=1 + number // 2)
        told = await asyncio.gather(*(watcher.hears_the_end(cid) for watcher in watchers))
        await self._judge(cid, max(told), since=began)
        for watcher in watchers:
            watcher.forget([cid])

    async def _extend(self, cid: str, chance: random.Random, *, key: str, seconds: int) -> None:
        body = {"seconds": seconds, "idempotency_key": key}
        try:
            answer = await self._backend.must(
                "POST", f"{path(cid)}/extend", body, first=chance.randrange(len(self.stage.nodes))
            )
        except Refused as refusal:
            self.tally.refused += 1
            if refusal.code not in ("call-ended", "no-running-session"):
                self._faults.append(f"{cid}: extension refused: {refusal}")
            return
        self.tally.extensions += 1
        self.journal.extended(cid, answer["change"], key=key)

    async def _judge(self, cid: str, told: float, *, since: float) -> None:
        books = await self._books(cid)
        self.tally.calls += 1
        self._faults += books.faults(self.journal) + await wrong_records(self._backend, books)
        deadline = books.deadline(cid)
        late = told - excused_until(deadline, self.stage.outages)
        self.tally.note(late, self._meanwhile(deadline, told))
        allowance = self._stall.allowance(since)
        if late > 1.0 + allowance:
            meanwhile = ", ".join(self._meanwhile(deadline, told))
            self._faults.append(f"{cid}: {late:.2f} s late (allowance {allowance:.2f} s): {meanwhile}")

    async def _books(self, cid: str) -> Books:
        for _ in range(200):
            try:
                return await Books.read(self.stage.database_url, [cid])
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)
        raise TimeoutError("PostgreSQL does not come back")

    def _meanwhile(self, deadline: float, told: float) -> list[str]:
        return sorted({one.name for one in self._struck if one.began <= told and one.ended >= deadline - 1.0})

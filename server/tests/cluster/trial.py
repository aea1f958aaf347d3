"""Some calls that end at about the same time, with people at every node, and what is to be shown of them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from .clients import Caller, Journal, Refused, Watcher
from .stage import Stage
from .verdict import Books, Stall, excused_until, lost_participants, wrong_records

TYPE = {"none": "visit", "livekit": "media-visit"}
USERS = ("doctor", "patient")
RIGHTS = ["join-call", "read-call", "create-call", "change-max-duration"]
_numbers = itertools.count(1)


async def prepare(stage: Stage) -> None:
    """The people and the call types that all trials use."""
    backend = Caller(stage)
    await backend.must("POST", "/v1/users", {"users": {user: {"id": user} for user in USERS}})
    for engine, name in TYPE.items():
        settings = {"media": {"engine": engine}, "limits": {"warning_seconds": [2]}}
        body = {"name": name, "grants": {"user": RIGHTS}, "settings": settings, "members_only": False}
        with suppress(Refused):
            await backend.must("POST", "/v1/call_types", body)
    await backend.close()


class Trial:
    """`async with Trial.of(stage, seconds=4) as trial`, then a fault, then `await trial.verdict()`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.backend = Caller(stage)
        self.journal = Journal()
        self.stall = Stall(stage.database_url)
        self.cids: list[str] = []
        self.rooms: list[str] = []
        self.deadline = 0.0
        self.watchers: list[Watcher] = []

    @classmethod
    @asynccontextmanager
    async def of(
        cls, stage: Stage, *, seconds: int, calls: int = 6, engine: str = "none"
    ) -> AsyncIterator[Trial]:
        """Calls that began just now and end in `seconds`, each watched at every node."""
        trial = cls(stage)
        async with stage.healed(), trial.stall:
            try:
                await trial._begin(seconds, calls, engine)
                yield trial
            finally:
                await asyncio.gather(*(watcher.close() for watcher in trial.watchers))
                await trial.backend.close()

    async def _begin(self, seconds: int, calls: int, engine: str) -> None:
        self.watchers = [Watcher(self.stage, USERS[n % 2], first=n) for n in range(len(self.stage.nodes))]
        streams = [await watcher.connected() for watcher in self.watchers]
        self.cids = [f"{TYPE[engine]}:{next(_numbers)}" for _ in range(calls)]
        answers = await asyncio.gather(
            *(self._join(cid, n, seconds, streams) for n, cid in enumerate(self.cids))
        )
        self.rooms = [answer["media"]["room"] for answer in answers if answer["media"]]
        await asyncio.gather(*(watcher.watch(self.cids) for watcher in self.watchers))
        books = await Books.read(self.stage.database_url, self.cids)
        self.deadline = max(books.deadline(cid) for cid in self.cids)

    async def _join(self, cid: str, number: int, seconds: int, streams: list[str]) -> dict[str, Any]:
        data = {"settings_override": {"limits": {"max_duration_seconds": seconds}}, "created_by_id": USERS[0]}
        place = number % len(streams)
        body = {
            "create": True,
            "data": data,
            "user_id": USERS[place % 2],
            "connection_id": streams[place],
        }
        answer = await self.backend.must("POST", f"{path(cid)}/join", body, first=number + 1)
        self.journal.joined(answer)
        return answer

    async def until_before_the_end(self, seconds: float) -> None:
        """Wait until so many seconds before the last deadline (negative: after it)."""
        await asyncio.sleep(max(0.0, self.deadline - seconds - time.time()))

    async def extend(self, cid: str, *, seconds: int, key: str, first: int | None = None) -> bool:
        """Extend; False when it was refused because the call is over."""
        body = {"seconds": seconds, "idempotency_key": key}
        try:
            answer = await self.backend.must("POST", f"{path(cid)}/extend", body, first=first)
        except Refused as refusal:
            if refusal.code not in ("call-ended", "no-running-session"):
                raise
            return False
        self.journal.extended(cid, answer["change"], key=key)
        return True

    async def rooms_close(self) -> float:
        """Wait until the media engine has none of the rooms any more; return when that was."""
        async with asyncio.timeout(30):
            while set(self.rooms) & self.stage.engine.rooms():  # noqa: ASYNC110 - an engine tells nobody
                await asyncio.sleep(0.02)
        return time.time()

    async def verdict(self) -> float:
        """Wait for all ends, and compare everything; return how late the latest was told (seconds).

        Raises AssertionError with every sentence that is not as promised.
        """
        for watcher in self.watchers:
            await asyncio.gather(*(watcher.hears_the_end(cid) for cid in self.cids))
        books = await Books.read(self.stage.database_url, self.cids)
        faults = books.faults(self.journal)
        faults += [fault for watcher in self.watchers for fault in watcher.faults]
        faults += await lost_participants(self.stage.database_url, self.journal)
        faults += await wrong_records(self.backend, books)
        worst = 0.0
        for cid, watcher in itertools.product(self.cids, self.watchers):
            late = watcher.told[cid] - excused_until(books.deadline(cid), self.stage.outages)
            worst = max(worst, late)
            if late > 1.0 + self.stall.allowance():
                faults.append(f"{cid}: {late:.2f} s late (allowance {self.stall.allowance():.2f} s)")
        assert not faults, "\n".join(faults)
        return worst


def path(cid: str) -> str:
    """The API's path of a call."""
    kind, _, name = cid.partition(":")
    return f"/v1/calls/{kind}/{name}"

"""An appointment on a running server, spoken to as a browser and a backend would."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any, Self

import httpx
from callclock_server.testing import RunningServer
from livekit import rtc

SPECIALIST = ["join-call", "send-audio", "send-video", "update-call", "update-call-settings"]
PATIENT = ["join-call", "send-audio", "send-video"]
WITHIN_SECONDS = 10.0
_numbers = itertools.count(1)


class Visit:
    """A specialist, a patient and their call, on names of its own."""

    def __init__(self, server: RunningServer, *, seconds: int | None, engine: str = "livekit") -> None:
        self.server = server
        number = next(_numbers)
        self.type = f"appointment-{number}"
        self.path = f"/v1/calls/{self.type}/visit"
        self.people = {"specialist": f"dr-{number}", "patient": f"bill-{number}"}
        self.roles = {"specialist": f"specialist-{number}", "patient": f"patient-{number}"}
        self.backend = httpx.AsyncClient(base_url=server.url, headers=server.headers(), verify=False)
        self._limits = {"limits": {"max_duration_seconds": seconds}, "media": {"engine": engine}}

    async def __aenter__(self) -> Self:
        for role in self.roles.values():
            await self.must("POST", "/v1/roles", {"name": role})
        grants = {self.roles["specialist"]: SPECIALIST, self.roles["patient"]: PATIENT}
        body = {"name": self.type, "grants": grants, "settings": self._limits}
        await self.must("POST", "/v1/call_types", body)
        users = {user: {"id": user, "role": self.roles[who]} for who, user in self.people.items()}
        await self.must("POST", "/v1/users", {"users": users})
        members = [{"user_id": user} for user in users]
        data = {"created_by_id": self.people["specialist"], "members": members}
        await self.must("POST", self.path, {"data": data})
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.backend.aclose()

    async def must(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The body of a success, with the server's token."""
        response = await self.backend.request(method, path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def join(self, who: str) -> dict[str, Any]:
        """Join as one of the two, with that user's own token."""
        headers = self.server.headers(self.people[who])
        response = await self.backend.post(f"{self.path}/join", json={"device_id": "tab"}, headers=headers)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def state(self) -> dict[str, Any]:
        """The call."""
        call: dict[str, Any] = (await self.must("GET", self.path))["call"]
        return call


class Seat:
    """One participant's media connection, with the moments that a test waits for."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.gone = asyncio.Event()
        self.gone_at: datetime | None = None
        self.room.on("disconnected", self._left)

        self._back = asyncio.Event()
        self.room.on("reconnected", lambda: self._back.set())

    async def is_back(self, *, within_seconds: float) -> bool:
        """Wait until the client has reconnected by itself; False when it has given up, or in vain."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._back, self.gone)]
        _, pending = await asyncio.wait(waits, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        return self._back.is_set() and not self.gone.is_set()

    def _left(self, *_reason: object) -> None:
        self.gone_at = datetime.now(UTC)
        self.gone.set()

    async def connect(self, media: dict[str, Any]) -> Self:
        """Enter the media room."""
        async with asyncio.timeout(WITHIN_SECONDS):
            await self.room.connect(media["url"], media["token"])
        return self


def moment(text: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(text)

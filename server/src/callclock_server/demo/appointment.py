"""The tutorial's data, and the one appointment that is going on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from callclock import AsyncStreamClient, CallState, Conflict, NotFound
from callclock import VideoOwnCapability as Can

RULES_OF_PAID_TIME: dict[str, Any] = {
    "starts": "all_roles",
    "required_roles": ["specialist", "patient"],
    "pause_when_absent": ["specialist"],
    "absence_grace_seconds": 5,
    "max_pause_seconds": 600,
    "overtime_seconds": 120,
    "no_show_seconds": 300,
    "extension": {
        "steps_seconds": [300, 600, 900],
        "max_total_seconds": 1800,
        "consent_roles": ["patient"],
    },
}
# null takes a rule back to its default: an appointment without them is the plain one of the tutorial.
NO_RULES: dict[str, Any] = dict.fromkeys(RULES_OF_PAID_TIME)
PRICE = {"price_per_minute": {"amount": 2, "currency": "EUR"}}

CALL_TYPE = "appointment"
FIRST_CALL = "test-call"
TOKEN_SECONDS = 3600

GRANTS = {
    "specialist": [
        Can.JOIN_CALL,
        Can.SEND_AUDIO,
        Can.SEND_VIDEO,
        Can.UPDATE_CALL,
        Can.UPDATE_CALL_SETTINGS,
    ],
    "patient": [Can.JOIN_CALL, Can.SEND_AUDIO, Can.SEND_VIDEO],
}


@dataclass(frozen=True)
class Person:
    """One of the two whom the links belong to."""

    id: str
    name: str
    role: str


PEOPLE = (
    Person("dr-lecter", "Dr. Hannibal Lecter", "specialist"),
    Person("bill", "Buffalo Bill", "patient"),
)


class Opening(Enum):
    """What became of the appointment at the start."""

    NEW = "new"
    KEPT = "kept"
    RENEWED = "renewed"


class Appointments:
    """Prepares the demonstration through the SDK, and knows the present appointment."""

    def __init__(self, client: AsyncStreamClient) -> None:
        self._client = client
        self._fair = False

    async def prepare(self, *, limit_seconds: int, fair: bool = False) -> Opening:
        """Load what is missing. An appointment that has ended is followed by a new one; others are kept.

        With `fair` appointments have the rules of paid time, and a price. A changed limit and changed rules
        hold for sessions that start from now on (design rule 7).
        """
        self._fair = fair
        for role in GRANTS:
            await self._make_role(role)
        await self._client.upsert_users(
            {person.id: {"id": person.id, "name": person.name, "role": person.role} for person in PEOPLE}
        )
        await self._make_type(limit_seconds)
        newest = await self._newest()
        if newest is None:
            await self._book(FIRST_CALL)
            return Opening.NEW
        if newest.ended_at is None:
            return Opening.KEPT
        await self.start_over()
        return Opening.RENEWED

    @property
    def fair(self) -> bool:
        """Whether appointments have the rules of paid time."""
        return self._fair

    async def current(self) -> CallState:
        """The present appointment."""
        newest = await self._newest()
        return newest if newest is not None else await self._book(FIRST_CALL)

    async def start_over(self) -> CallState:
        """End the present appointment if it runs, and make a new one; the links lead to it."""
        newest = await self._newest()
        if newest is None:
            return await self._book(FIRST_CALL)
        if newest.session is not None and newest.ended_at is None:
            await self._client.video.call(CALL_TYPE, newest.id).end()
        return await self._book(_next_id(newest.id))

    async def admission(self, user_id: str) -> dict[str, Any] | None:
        """What a browser needs to take part as `user_id`; None for anybody but the two."""
        person = next((each for each in PEOPLE if each.id == user_id), None)
        if person is None:
            return None
        call = await self.current()
        token = self._client.create_token(person.id, expires_in_seconds=TOKEN_SECONDS, call_cids=[call.cid])
        return {
            "api_key": self._client.api_key,
            "token": token,
            "user": {"id": person.id, "name": person.name, "role": person.role},
            "call_type": CALL_TYPE,
            "call_id": call.id,
        }

    async def _make_role(self, name: str) -> None:
        try:
            await self._client.create_role(name)
        except Conflict as exc:
            if exc.code != "already-exists":
                raise

    async def _make_type(self, limit_seconds: int) -> None:
        rules = RULES_OF_PAID_TIME if self._fair else NO_RULES
        settings = {"limits": {"max_duration_seconds": limit_seconds, **rules}}
        try:
            await self._client.video.get_call_type(CALL_TYPE)
        except NotFound:
            await self._client.video.create_call_type(CALL_TYPE, grants=GRANTS, settings=settings)
            return
        await self._client.video.update_call_type(CALL_TYPE, settings=settings)

    async def _newest(self) -> CallState | None:
        page = await self._client.video.query_calls(
            filter={"type": CALL_TYPE}, sort=[{"field": "created_at", "direction": -1}], limit=1
        )
        return page.items[0].call if page.items else None

    async def _book(self, call_id: str) -> CallState:
        data = {
            "members": [{"user_id": person.id} for person in PEOPLE],
            "created_by_id": PEOPLE[0].id,
            "custom": PRICE if self._fair else {},
        }
        return (await self._client.video.call(CALL_TYPE, call_id).create(data=data)).call


def _next_id(call_id: str) -> str:
    """`test-call`, `test-call-2`, `test-call-3`, ..."""
    found = re.fullmatch(rf"{FIRST_CALL}-(\d+)", call_id)
    return f"{FIRST_CALL}-{int(found[1]) + 1 if found else 2}"

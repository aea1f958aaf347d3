"""What tests of the API need: people, call types and calls, each made for one test."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from callclock_server.testing import RunningServer

_numbers = itertools.count(1)

SPECIALIST = [
    "join-call",
    "send-audio",
    "send-video",
    "update-call",
    "update-call-settings",
    "end-call",
    "create-call",
]
PATIENT = ["join-call", "send-audio", "send-video"]
NO_MEDIA = {"media": {"engine": "none"}}


class World:
    """Clients of a running server, and factories. Names never repeat, so tests share one server."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.backend = httpx.Client(base_url=server.url, headers=server.headers(), verify=False)
        self._clients: list[httpx.Client] = [self.backend]

    def name(self, prefix: str) -> str:
        """A name that nobody else has."""
        return f"{prefix}-{next(_numbers)}"

    def client(self, user_id: str, **token: Any) -> httpx.Client:
        """A client with the user's token."""
        return self.with_token(self.server.user_token(user_id, **token))

    def with_token(self, token: str | None, *, api_key: str | None = None) -> httpx.Client:
        """A client with any token and key."""
        headers = {"X-Api-Key": api_key or self.server.api_key}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        # Plain HTTP: loading the certificates of the world would take longer than the test.
        client = httpx.Client(base_url=self.server.url, headers=headers, verify=False)
        self._clients.append(client)
        return client

    def role(self, prefix: str = "role") -> str:
        """A new role."""
        name = self.name(prefix)
        self.must(self.backend.post("/v1/roles", json={"name": name}))
        return name

    def user(self, role: str = "user", *, prefix: str = "user") -> str:
        """A new user with a role."""
        user_id = self.name(prefix)
        self.must(self.backend.post("/v1/users", json={"users": {user_id: {"id": user_id, "role": role}}}))
        return user_id

    def call_type(
        self,
        grants: Mapping[str, Iterable[str]] | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        members_only: bool = True,
    ) -> str:
        """A new call type, without media unless `settings` say otherwise."""
        name = self.name("type")
        body = {
            "name": name,
            "grants": {role: list(capabilities) for role, capabilities in (grants or {}).items()},
            "settings": {**NO_MEDIA, **(settings or {})},
            "members_only": members_only,
        }
        self.must(self.backend.post("/v1/call_types", json=body))
        return name

    def call(self, call_type: str, *members: str, owner: str | None = None, **data: Any) -> str:
        """A new call; returns its path."""
        path = f"/v1/calls/{call_type}/{self.name('call')}"
        owner = owner or (members[0] if members else self.user())
        body = {"created_by_id": owner, "members": [{"user_id": user} for user in members], **data}
        self.must(self.backend.post(path, json={"data": body}))
        return path

    def appointment(self, *, seconds: int | None = 3600, **limits: Any) -> Appointment:
        """A specialist, a patient and their call."""
        specialist, patient = self.role("specialist"), self.role("patient")
        call_type = self.call_type(
            {specialist: SPECIALIST, patient: PATIENT},
            settings={"limits": {"max_duration_seconds": seconds, **limits}},
        )
        doctor, bill = self.user(specialist, prefix="doctor"), self.user(patient, prefix="bill")
        return Appointment(self, call_type, self.call(call_type, doctor, bill), doctor, bill)

    @staticmethod
    def must(response: httpx.Response) -> dict[str, Any]:
        """The body of a success."""
        assert response.is_success, response.text
        body: dict[str, Any] = response.json()
        return body

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            client.close()


class Appointment:
    """A members-only call of two people with their clients."""

    def __init__(self, world: World, call_type: str, path: str, doctor_id: str, patient_id: str) -> None:
        self.world = world
        self.call_type = call_type
        self.path = path
        self.doctor_id, self.patient_id = doctor_id, patient_id
        self.doctor, self.patient = world.client(doctor_id), world.client(patient_id)

    @property
    def cid(self) -> str:
        """The call's cid."""
        _, _, _, call_type, call_id = self.path.split("/")
        return f"{call_type}:{call_id}"

    def join(self, client: httpx.Client, **body: Any) -> dict[str, Any]:
        """Join, or fail the test."""
        return self.world.must(client.post(f"{self.path}/join", json=body))

    def state(self) -> dict[str, Any]:
        """The call as the server sees it, without the time of asking."""
        body = self.world.must(self.world.backend.get(self.path))
        del body["server_time"]
        if body["call"]["session"]:
            del body["call"]["session"]["clock"]
        return body

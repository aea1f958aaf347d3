"""One row for every route: how to make a right request, and who may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .world import Appointment, World

Who = Literal["server", "anyone", "reader", "specialist", "self"]
Make = Callable[[Appointment], tuple[str, Any]]


@dataclass(frozen=True)
class Row:
    """`who`: server (server tokens only), anyone (any user), reader (who may read the call), specialist (a
    capability that the patient lacks), self (the user itself). `make` gives path and body of a right request.
    `absent`: the code with which this server answers those who may, because it lacks what is asked for.
    """

    route: str
    who: Who
    make: Make
    absent: str | None = None

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def of_call(self) -> bool:
        return "/calls/{type}" in self.route


def _fixed(path: str, body: Any = None) -> Make:
    return lambda _visit: (path, body)


def _call(suffix: str = "", body: Any = None) -> Make:
    return lambda visit: (visit.path + suffix, body)


def _session(suffix: str = "") -> Make:
    def make(visit: Appointment) -> tuple[str, Any]:
        session = _running(visit)
        return f"{visit.path}/sessions/{session}{suffix}", None

    return make


def _running(visit: Appointment) -> str:
    joined = visit.join(visit.world.backend, user_id=visit.doctor_id, device_id="desk")
    return str(joined["call"]["session"]["id"])


def _extend(visit: Appointment) -> tuple[str, Any]:
    _running(visit)
    return f"{visit.path}/extend", {"seconds": 60}


def _reopen(visit: Appointment) -> tuple[str, Any]:
    world: World = visit.world
    patch = {
        "grants": {world.must(world.backend.get(f"/v1/users/{visit.doctor_id}"))["user"]["role"]: REOPENERS}
    }
    world.must(world.backend.patch(f"/v1/call_types/{visit.call_type}", json=patch))
    world.must(world.backend.post(f"{visit.path}/end"))
    return f"{visit.path}/reopen", None


REOPENERS = ["join-call", "join-ended-call", "change-max-duration"]


def _new_role(visit: Appointment) -> tuple[str, Any]:
    return "/v1/roles", {"name": visit.world.name("made")}


def _old_role(visit: Appointment) -> tuple[str, Any]:
    return f"/v1/roles/{visit.world.role()}", None


def _new_type(visit: Appointment) -> tuple[str, Any]:
    return "/v1/call_types", {"name": visit.world.name("made")}


def _type(body: Any = None) -> Make:
    return lambda visit: (f"/v1/call_types/{visit.call_type}", body)


def _old_type(visit: Appointment) -> tuple[str, Any]:
    return f"/v1/call_types/{visit.world.call_type()}", None


def _users(visit: Appointment) -> tuple[str, Any]:
    return "/v1/users", {"users": {visit.patient_id: {"id": visit.patient_id, "name": "Bill"}}}


def _patient(visit: Appointment) -> tuple[str, Any]:
    return f"/v1/users/{visit.patient_id}", None


def _old_user(visit: Appointment) -> tuple[str, Any]:
    return f"/v1/users/{visit.world.user()}", None


def _join(visit: Appointment) -> tuple[str, Any]:
    return f"{visit.path}/join", {}


ROWS = [
    Row("GET /v1/roles", "anyone", _fixed("/v1/roles")),
    Row("POST /v1/roles", "server", _new_role),
    Row("DELETE /v1/roles/{name}", "server", _old_role),
    Row("GET /v1/capabilities", "anyone", _fixed("/v1/capabilities")),
    Row("GET /v1/call_types", "server", _fixed("/v1/call_types")),
    Row("POST /v1/call_types", "server", _new_type),
    Row("GET /v1/call_types/{name}", "server", _type()),
    Row("PATCH /v1/call_types/{name}", "server", _type({"settings": {"limits": {"max_participants": 9}}})),
    Row("DELETE /v1/call_types/{name}", "server", _old_type),
    Row("POST /v1/users", "server", _users),
    Row("GET /v1/users", "server", _fixed("/v1/users")),
    Row("GET /v1/users/{user_id}", "self", _patient),
    Row("DELETE /v1/users/{user_id}", "server", _old_user),
    Row("POST /v1/calls/query", "anyone", _fixed("/v1/calls/query", {})),
    Row("POST /v1/calls/{type}/{id}", "reader", _call(body={})),
    Row("GET /v1/calls/{type}/{id}", "reader", _call()),
    Row("PATCH /v1/calls/{type}/{id}", "specialist", _call(body={"custom": {"room": 1}})),
    Row("DELETE /v1/calls/{type}/{id}", "server", _call()),
    Row("POST /v1/calls/{type}/{id}/end", "specialist", _call("/end")),
    Row("POST /v1/calls/{type}/{id}/extend", "specialist", _extend),
    Row("POST /v1/calls/{type}/{id}/reopen", "specialist", _reopen),
    Row("POST /v1/calls/{type}/{id}/members", "specialist", _call("/members", {"update_members": []})),
    Row("POST /v1/calls/{type}/{id}/join", "reader", _join),
    Row("POST /v1/calls/{type}/{id}/leave", "reader", _call("/leave", {})),
    Row("GET /v1/calls/{type}/{id}/sessions", "reader", _call("/sessions")),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}", "reader", _session()),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}/ledger", "reader", _session("/ledger")),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}/record", "reader", _session("/record")),
    Row("GET /v1/test_clock", "server", _fixed("/v1/test_clock"), "no-test-clock"),
    Row(
        "POST /v1/test_clock/advance",
        "server",
        _fixed("/v1/test_clock/advance", {"seconds": 1}),
        "no-test-clock",
    ),
]

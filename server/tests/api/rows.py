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


def _waiting(visit: Appointment) -> tuple[str, Any]:
    """Somebody waits, and the specialist may admit them."""
    world: World = visit.world
    role = world.must(world.backend.get(f"/v1/users/{visit.doctor_id}"))["user"]["role"]
    patch = {"grants": {role: HOSTS}, "settings": {"backstage": {"enabled": True, "opens": "manual"}}}
    world.must(world.backend.patch(f"/v1/call_types/{visit.call_type}", json=patch))
    visit.join(visit.patient)
    return f"{visit.path}/admit", {"user_id": visit.patient_id}


def _live(suffix: str, body: Any = None) -> Make:
    def make(visit: Appointment) -> tuple[str, Any]:
        _waiting(visit)
        return visit.path + suffix, body

    return make


def _manual(visit: Appointment) -> tuple[str, Any]:
    patch = {"settings": {"limits": {"starts": "manual"}}}
    visit.world.must(visit.world.backend.patch(f"/v1/call_types/{visit.call_type}", json=patch))
    _running(visit)
    return f"{visit.path}/start_clock", {"reason": "all here"}


def _pause(visit: Appointment) -> tuple[str, Any]:
    _running(visit)
    return f"{visit.path}/pause", {}


def _resume(visit: Appointment) -> tuple[str, Any]:
    visit.world.must(visit.world.backend.post(_pause(visit)[0], json={}))
    return f"{visit.path}/resume", {}


def _ask(visit: Appointment) -> tuple[str, Any]:
    _running(visit)
    visit.join(visit.patient)
    return f"{visit.path}/extension_requests", {"seconds": 60}


def _asked(answer: str) -> Make:
    def make(visit: Appointment) -> tuple[str, Any]:
        path, body = _ask(visit)
        asked = visit.world.must(visit.patient.post(path, json=body))["request"]["id"]
        return f"{path}/{asked}/{answer}", {}

    return make


def _offered(answer: str) -> Make:
    def make(visit: Appointment) -> tuple[str, Any]:
        world: World = visit.world
        role = world.must(world.backend.get(f"/v1/users/{visit.patient_id}"))["user"]["role"]
        patch = {"settings": {"limits": {"extension": {"consent_roles": [role]}}}}
        world.must(world.backend.patch(f"/v1/call_types/{visit.call_type}", json=patch))
        path, body = _extend(visit)
        visit.join(visit.patient)
        offer = world.must(visit.doctor.post(path, json=body))["offer"]["id"]
        return f"{visit.path}/extension_offers/{offer}/{answer}", {}

    return make


HOSTS = ["join-call", "join-backstage"]
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
    Row("POST /v1/calls/{type}/{id}/start_clock", "specialist", _manual),
    Row("POST /v1/calls/{type}/{id}/pause", "specialist", _pause),
    Row("POST /v1/calls/{type}/{id}/resume", "specialist", _resume),
    Row("GET /v1/calls/{type}/{id}/waiting", "specialist", _live("/waiting")),
    Row("POST /v1/calls/{type}/{id}/admit", "specialist", _waiting),
    Row("POST /v1/calls/{type}/{id}/go_live", "specialist", _live("/go_live")),
    Row("POST /v1/calls/{type}/{id}/stop_live", "specialist", _live("/stop_live")),
    Row("POST /v1/calls/{type}/{id}/extension_offers/{offer_id}/accept", "reader", _offered("accept")),
    Row("POST /v1/calls/{type}/{id}/extension_offers/{offer_id}/decline", "reader", _offered("decline")),
    Row("POST /v1/calls/{type}/{id}/extension_requests", "reader", _ask),
    Row(
        "POST /v1/calls/{type}/{id}/extension_requests/{request_id}/approve", "specialist", _asked("approve")
    ),
    Row("POST /v1/calls/{type}/{id}/extension_requests/{request_id}/decline", "reader", _asked("decline")),
    Row("POST /v1/calls/{type}/{id}/leave", "reader", _call("/leave", {})),
    Row("GET /v1/calls/{type}/{id}/sessions", "reader", _call("/sessions")),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}", "reader", _session()),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}/ledger", "reader", _session("/ledger")),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}/record", "reader", _session("/record")),
    Row("GET /v1/calls/{type}/{id}/sessions/{session_id}/verification", "reader", _session("/verification")),
    Row("GET /v1/test_clock", "server", _fixed("/v1/test_clock"), "no-test-clock"),
    Row(
        "POST /v1/test_clock/advance",
        "server",
        _fixed("/v1/test_clock/advance", {"seconds": 1}),
        "no-test-clock",
    ),
]

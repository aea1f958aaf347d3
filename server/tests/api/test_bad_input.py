"""Bad input: a clear error each, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from callclock_server.testing import user_token

from .world import Appointment, World


@dataclass(frozen=True)
class Case:
    """A request (by the specialist unless `by` says otherwise) and the refusal that it must get."""

    method: str
    path: str  # {call} is the appointment, {type} its type
    body: Any
    status: int
    code: str
    field: str | None = None
    by: str = "doctor"


def limits(**values: Any) -> dict[str, Any]:
    return {"settings_override": {"limits": values}}


LONG = "x" * 65
CASES = {
    "unknown group of settings": Case(
        "PATCH",
        "{call}",
        {"settings_override": {"lights": {}}},
        422,
        "unknown-setting",
        "settings_override.lights",
    ),
    "unknown setting": Case(
        "PATCH",
        "{call}",
        limits(max_minutes=5),
        422,
        "unknown-setting",
        "settings_override.limits.max_minutes",
    ),
    "unknown setting on creation": Case(
        "POST",
        "/v1/calls/{type}/bad-1",
        {"data": {"created_by_id": "{doctor}", **limits(max_minutes=5)}},
        422,
        "unknown-setting",
        "data.settings_override.limits.max_minutes",
        "backend",
    ),
    "unknown setting of a type": Case(
        "PATCH",
        "/v1/call_types/{type}",
        {"settings": {"limits": {"x": 1}}},
        422,
        "unknown-setting",
        None,
        "backend",
    ),
    "unknown capability": Case(
        "PATCH",
        "/v1/call_types/{type}",
        {"grants": {"user": ["fly"]}},
        422,
        "unknown-capability",
        None,
        "backend",
    ),
    "unknown role in grants": Case(
        "PATCH", "/v1/call_types/{type}", {"grants": {"pilot": []}}, 422, "unknown-role", None, "backend"
    ),
    "limit of zero": Case("PATCH", "{call}", limits(max_duration_seconds=0), 422, "limit-out-of-range"),
    "limit too long": Case("PATCH", "{call}", limits(max_duration_seconds=86_401), 422, "limit-out-of-range"),
    "limit that is text": Case("PATCH", "{call}", limits(max_duration_seconds="60"), 422, "invalid-value"),
    "limit that is true": Case("PATCH", "{call}", limits(max_duration_seconds=True), 422, "invalid-value"),
    "settings that are a list": Case("PATCH", "{call}", {"settings_override": []}, 422, "invalid-value"),
    "naive time": Case(
        "PATCH", "{call}", {"starts_at": "2099-01-01T10:00:00"}, 422, "naive-time", "starts_at"
    ),
    "past time": Case(
        "PATCH", "{call}", {"starts_at": "2020-01-01T10:00:00Z"}, 422, "time-in-past", "starts_at"
    ),
    "no time at all": Case("PATCH", "{call}", {"starts_at": "soon"}, 422, "invalid-value", "starts_at"),
    "a number for a time": Case(
        "PATCH", "{call}", {"starts_at": 4_000_000_000}, 422, "invalid-value", "starts_at"
    ),
    "a day that does not exist": Case(
        "PATCH", "{call}", {"starts_at": "2099-02-30T10:00:00Z"}, 422, "invalid-value"
    ),
    "the end of the calendar": Case(
        "PATCH", "{call}", {"starts_at": "9999-12-31T23:59:59-01:00"}, 422, "invalid-value"
    ),
    "call type that does not exist": Case(
        "POST",
        "/v1/calls/no-such-type/x",
        {"data": {"created_by_id": "{doctor}"}},
        404,
        "call-type-not-found",
        None,
        "backend",
    ),
    "member without a user": Case(
        "POST", "{call}/members", {"update_members": [{"user_id": "nobody"}]}, 422, "unknown-user-reference"
    ),
    "creator who does not exist": Case(
        "POST",
        "/v1/calls/{type}/bad-2",
        {"data": {"created_by_id": "nobody"}},
        422,
        "unknown-user-reference",
        None,
        "backend",
    ),
    "no creator": Case("POST", "/v1/calls/{type}/bad-3", {"data": {}}, 422, "missing-field", None, "backend"),
    "role that does not exist": Case(
        "POST",
        "/v1/users",
        {"users": {"u": {"id": "u", "role": "pilot"}}},
        422,
        "unknown-role",
        None,
        "backend",
    ),
    "user under another id": Case(
        "POST", "/v1/users", {"users": {"u": {"id": "w"}}}, 422, "invalid-id", None, "backend"
    ),
    "join with an override without the right": Case(
        "POST",
        "{call}/join",
        {"data": limits(max_duration_seconds=7200)},
        403,
        "missing-capability",
        None,
        "patient",
    ),
    "join for somebody else": Case(
        "POST", "{call}/join", {"user_id": "{doctor}"}, 403, "server-token-required", None, "patient"
    ),
    "odd call id": Case("POST", "/v1/calls/{type}/a%20b", {}, 422, "invalid-id", "id"),
    "call id with a line end": Case("GET", "/v1/calls/{type}/ab%0A", None, 422, "invalid-id", "id"),
    "call id too long": Case("GET", f"/v1/calls/{{type}}/{LONG}", None, 422, "invalid-id", "id"),
    "odd role name": Case("POST", "/v1/roles", {"name": "a/b"}, 422, "invalid-id", "name", "backend"),
    "odd user id": Case(
        "POST", "/v1/users", {"users": {"a:b": {"id": "a:b"}}}, 422, "invalid-id", None, "backend"
    ),
    "unknown field": Case("PATCH", "{call}", {"title": "x"}, 422, "unknown-field", "title"),
    "unknown nested field": Case(
        "POST", "{call}/join", {"data": {"title": "x"}}, 422, "unknown-field", "data.title"
    ),
    "missing field": Case("POST", "{call}/extend", {}, 422, "missing-field", "seconds"),
    "no seconds": Case("POST", "{call}/extend", {"seconds": 0}, 422, "invalid-value", "seconds"),
    "a fraction of a second": Case(
        "POST", "{call}/extend", {"seconds": 1.5}, 422, "invalid-value", "seconds"
    ),
    "seconds beyond any number": Case(
        "POST", "{call}/extend", {"seconds": 10**30}, 422, "invalid-value", "seconds"
    ),
    "custom data too large": Case(
        "PATCH", "{call}", {"custom": {"x": "y" * 17_000}}, 422, "invalid-value", "custom"
    ),
    "custom data that is no object": Case("PATCH", "{call}", {"custom": [1]}, 422, "invalid-value", "custom"),
    "custom data nested too deep": Case(
        "PATCH",
        "{call}",
        {"custom": {"a": [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]}},
        422,
        "invalid-value",
        "custom",
    ),
    "a null character": Case("PATCH", "{call}", {"custom": {"a": "\x00"}}, 422, "invalid-value", "custom"),
    "a null character in a role": Case(
        "PATCH",
        "/v1/call_types/{type}",
        {"settings": {"limits": {"required_roles": ["\x00"]}}},
        422,
        "unknown-role",
        "settings.limits.required_roles",
        "backend",
    ),
    "a null character in a grant": Case(
        "PATCH",
        "/v1/call_types/{type}",
        {"grants": {"\x00": ["join-call"]}},
        422,
        "unknown-role",
        "grants.\x00",
        "backend",
    ),
    "a null character in a filter": Case(
        "POST", "/v1/calls/query", {"filter": {"custom.a\x00": 1}}, 422, "invalid-filter"
    ),
    "a null character in a cursor": Case(
        "GET", "/v1/users?next=WyJ1c2VycyIsIlx1MDAwMCJd", None, 422, "invalid-cursor", "next", "backend"
    ),
    "unknown filter": Case("POST", "/v1/calls/query", {"filter": {"colour": "red"}}, 422, "invalid-filter"),
    "unknown operator": Case(
        "POST", "/v1/calls/query", {"filter": {"created_at": {"$near": 1}}}, 422, "invalid-filter"
    ),
    "cursor of somebody's own": Case("POST", "/v1/calls/query", {"next": "abc"}, 422, "invalid-cursor"),
    "page of none": Case("GET", "{call}/sessions?limit=0", None, 422, "invalid-value", "limit"),
    "page too large": Case("GET", "{call}/sessions?limit=101", None, 422, "invalid-value", "limit"),
    "session of another call": Case("GET", "{call}/sessions/ses_none", None, 404, "session-not-found"),
}


def fill(value: Any, visit: Appointment) -> Any:
    if isinstance(value, str):
        return value.replace("{doctor}", visit.doctor_id)
    if isinstance(value, dict):
        return {key: fill(inner, visit) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_and_changes_nothing(world: World, name: str) -> None:
    case, visit = CASES[name], world.appointment()
    visit.join(visit.doctor)
    clients: dict[str, httpx.Client] = {
        "doctor": visit.doctor,
        "patient": visit.patient,
        "backend": world.backend,
    }
    before = everything(visit)
    path = case.path.replace("{call}", visit.path).replace("{type}", visit.call_type)
    body = {"json": fill(case.body, visit)} if case.body is not None else {}
    response = clients[case.by].request(case.method, path, **body)
    assert (response.status_code, response.json()["code"]) == (case.status, case.code), response.text
    if case.field is not None:
        assert case.field in [error["field"] for error in response.json()["errors"]], response.text
    assert everything(visit) == before


def everything(visit: Appointment) -> list[Any]:
    """All that the request could have changed."""
    backend = visit.world.backend
    ours = backend.post("/v1/calls/query", json={"filter": {"type": visit.call_type}, "limit": 100}).json()[
        "calls"
    ]
    session = visit.state()["call"]["session"]["id"]
    answers = [
        backend.get(f"/v1/call_types/{visit.call_type}").json()["call_type"],
        backend.get(f"{visit.path}/sessions/{session}/ledger").json()["ledger"],
        backend.get(f"/v1/users/{visit.doctor_id}").json()["user"],
    ]
    return [visit.state(), sorted(state["call"]["cid"] for state in ours), *answers]


RAW: dict[str, tuple[bytes, str, int, str]] = {
    "broken JSON": (b"{", "application/json", 400, "invalid-json"),
    "not a number": (b'{"custom":{"a":NaN}}', "application/json", 400, "invalid-json"),
    "half a character": (b'{"custom":{"a":"\\ud800"}}', "application/json", 400, "invalid-json"),
    "endless nesting": (b'{"custom":' + b"[" * 60_000, "application/json", 400, "invalid-json"),
    "no UTF-8": (b'{"custom":{"a":"\xff"}}', "application/json", 400, "invalid-json"),
    "a list": (b"[]", "application/json", 422, "invalid-value"),
    "a form": (b"custom=1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
    "text": (b"{}", "text/plain", 415, "unsupported-media-type"),
    "too large": (b'{"custom":"' + b"x" * 300_000 + b'"}', "application/json", 413, "body-too-large"),
}


@pytest.mark.parametrize("name", RAW)
def test_a_bad_body_is_refused_and_changes_nothing(world: World, name: str) -> None:
    content, kind, status, code = RAW[name]
    visit = world.appointment()
    before = visit.state()
    response = visit.doctor.patch(visit.path, content=content, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert visit.state() == before


@pytest.mark.parametrize(
    "body",
    [
        {"k" * 200_000: 1},
        {f"k{number}": 1 for number in range(9_000)},
        {"settings_override": {"limits": {f"k{number}": 1 for number in range(9_000)}}},
        {"settings_override": {"limits": {"required_roles": ["k" * 200_000]}}},
    ],
    ids=["one long key", "many keys", "many settings", "a long role"],
)
def test_a_problem_does_not_send_back_what_was_sent(world: World, body: dict[str, Any]) -> None:
    visit = world.appointment()
    response = visit.doctor.patch(visit.path, json=body)
    assert response.status_code == 422
    assert len(response.content) < 20_000
    assert 1 <= len(response.json()["errors"]) <= 50


def test_a_large_body_without_a_declared_length_is_refused(world: World) -> None:
    visit = world.appointment()
    chunks = (b"x" * 10_000 for _ in range(40))
    response = visit.doctor.patch(visit.path, content=chunks, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")


TOKENS: dict[str, tuple[Callable[[Appointment], httpx.Client], int, str]] = {
    "of another key": (
        lambda visit: visit.world.with_token(
            user_token(visit.doctor_id, secret="the-secret-of-another-key-entirely")
        ),
        401,
        "invalid-token",
    ),
    "expired": (lambda visit: visit.world.client(visit.doctor_id, ttl_seconds=-60), 401, "token-expired"),
    "for other calls": (
        lambda visit: visit.world.client(visit.doctor_id, call_cids=["a:b"]),
        403,
        "token-not-for-call",
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_bad_token_is_refused_and_changes_nothing(world: World, name: str) -> None:
    make, status, code = TOKENS[name]
    visit = world.appointment()
    before = visit.state()
    response = make(visit).patch(visit.path, json={"custom": {"a": 1}})
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert visit.state() == before

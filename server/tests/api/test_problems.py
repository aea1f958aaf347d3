"""Every refusal is a problem with a stable code, and every code has its row."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from callclock_server.api.problems import STATUS, TITLES, leaves, problem_body
from callclock_server.domain.errors import CallclockError, InternalError

from .world import World

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("leaf", list(leaves()), ids=lambda leaf: leaf.code)
def test_every_error_has_a_status_and_a_title(leaf: type[CallclockError]) -> None:
    assert 400 <= STATUS[leaf.code] < 600
    assert TITLES[leaf.code] == leaf.title


def test_the_table_has_no_row_without_an_error() -> None:
    assert set(STATUS) == {leaf.code for leaf in leaves()}


def test_every_code_has_a_line_in_the_docs(world: World) -> None:
    page = world.backend.get("/docs/errors").text
    assert [code for code in STATUS if f'id="{code}"' not in page] == []


def test_a_problem_carries_what_rfc_9457_asks_for() -> None:
    body = problem_body(InternalError("oh"), now=NOW, request_id="r1")
    assert body == {
        "type": "/docs/errors#internal",
        "title": "Something went wrong on the server",
        "status": 500,
        "detail": "oh",
        "code": "internal",
        "server_time": "2026-01-05T09:00:00.000000Z",
        "request_id": "r1",
    }


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["code"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def test_an_unknown_address_is_a_problem(world: World) -> None:
    problem(world.backend.get("/v1/nothing/here"), 404, "not-found")


def test_an_unknown_method_is_a_problem(world: World) -> None:
    problem(world.backend.put("/v1/roles", json={}), 405, "method-not-allowed")


def test_a_401_names_the_scheme(world: World) -> None:
    response = httpx.get(f"{world.server.url}/v1/roles")
    problem(response, 401, "authentication-required")
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_missing_capability_is_named(world: World) -> None:
    visit = world.appointment()
    body = problem(visit.patient.post(f"{visit.path}/end"), 403, "missing-capability")
    assert body["capability"] == "end-call"


def test_a_request_id_of_the_client_is_kept_and_a_wild_one_replaced(world: World) -> None:
    kept = world.backend.get("/v1/roles", headers={"X-Request-Id": "abc-1"})
    replaced = world.backend.get("/v1/roles", headers={"X-Request-Id": "a b{}"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert replaced.headers["x-request-id"] != "a b{}"


def test_answers_carry_security_headers(world: World) -> None:
    headers = world.backend.get("/v1/roles").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"


def test_other_origins_are_not_let_in_unless_configured(world: World) -> None:
    response = world.backend.get("/v1/roles", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in response.headers

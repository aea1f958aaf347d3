"""The matrix: every route against everybody who might ask. A new route without a row fails."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from callclock_server.api.application import build_api
from callclock_server.api.schema import openapi_schema
from callclock_server.testing import server_token, user_token

from .rows import ROWS, Row
from .world import Appointment, World

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route)
call_rows = pytest.mark.parametrize("row", [row for row in ROWS if row.of_call], ids=lambda row: row.route)


def send(client: httpx.Client, row: Row, path: str, body: Any) -> httpx.Response:
    return client.request(row.method, path, **({"json": body} if body is not None else {}))


def expect(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text


def expect_done(response: httpx.Response, row: Row) -> None:
    """What somebody gets who may."""
    if row.absent is not None:
        expect(response, 404, row.absent)
    else:
        assert response.is_success, response.text


def strangers(visit: Appointment) -> dict[str, httpx.Client]:
    """Those who are not let in, by the code that each must get."""
    world = visit.world
    return {
        "authentication-required": world.with_token(None),
        "unknown-api-key": world.with_token(server_token(), api_key="unknown"),
        "invalid-token": world.with_token("eyJ.garbage.x"),
        "invalid-token (another key's)": world.with_token(
            user_token(visit.doctor_id, secret="the-secret-of-another-key-entirely")
        ),
        "token-expired": world.client(visit.doctor_id, ttl_seconds=-60),
        "unknown-user": world.client(world.name("ghost")),
    }


def test_every_route_has_a_row() -> None:
    paths = openapi_schema(build_api())["paths"]
    routes = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert routes == {row.route for row in ROWS}


@every_row
def test_strangers_are_refused(world: World, row: Row) -> None:
    visit = world.appointment()
    path, body = row.make(visit)
    before = visit.state()
    for code, client in strangers(visit).items():
        expect(send(client, row, path, body), 401, code.partition(" ")[0])
    assert visit.state() == before


@every_row
def test_the_right_is_needed(world: World, row: Row) -> None:
    visit = world.appointment()
    path, body = row.make(visit)
    before = visit.state()
    response = send(visit.patient, row, path, body)
    if row.who == "server":
        expect(response, 403, "server-token-required")
    elif row.who == "specialist":
        expect(response, 403, "missing-capability")
    else:
        assert response.is_success, response.text
        return
    assert visit.state() == before
    expect_done(send(visit.doctor if row.who == "specialist" else world.backend, row, path, body), row)


@call_rows
def test_a_user_of_another_call_learns_nothing(world: World, row: Row) -> None:
    visit, other = world.appointment(), world.appointment()
    path, body = row.make(visit)
    before = visit.state()
    there = send(other.doctor, row, path, body)
    nowhere = send(other.doctor, row, path.replace(visit.path, f"{visit.path}-no-such-call"), body)
    if row.who == "server":
        expect(there, 403, "server-token-required")
    elif row.route == "POST /v1/calls/{type}/{id}":
        expect(there, 403, "missing-capability")  # of creating calls, whether or not this one exists
    else:
        expect(there, 404, "call-not-found")
    assert told(there) == told(nowhere)
    assert visit.state() == before


def told(response: httpx.Response) -> tuple[int, dict[str, Any]]:
    """What an answer tells, without what differs each time."""
    body = response.json()
    for name in ("server_time", "request_id"):
        del body[name]
    return response.status_code, body


@call_rows
def test_a_token_for_other_calls_is_refused(world: World, row: Row) -> None:
    visit = world.appointment()
    path, body = row.make(visit)
    before = visit.state()
    limited = world.client(visit.doctor_id, call_cids=["appointment:another"])
    response = send(limited, row, path, body)
    expect(response, 403, "server-token-required" if row.who == "server" else "token-not-for-call")
    assert visit.state() == before


@every_row
def test_a_server_token_may(world: World, row: Row) -> None:
    visit = world.appointment()
    path, body = row.make(visit)
    if row.route.endswith(("/join", "/leave", "/accept", "/extension_requests")):
        body = {**(body or {}), "user_id": visit.patient_id}
    expect_done(send(world.backend, row, path, body), row)


def test_only_the_other_side_agrees_to_an_offer_and_only_in_its_call(world: World) -> None:
    visit, other = world.appointment(), world.appointment()
    row = next(row for row in ROWS if row.route.endswith("/accept"))
    path, _ = row.make(visit)
    before = visit.state()
    expect(visit.doctor.post(path, json={}), 403, "consent-not-yours")
    expect(visit.doctor.post(path, json={"user_id": visit.patient_id}), 403, "server-token-required")
    expect(world.backend.post(path, json={}), 422, "missing-field")
    expect(world.backend.post(path, json={"user_id": visit.doctor_id}), 403, "consent-not-yours")
    other.join(other.patient)
    elsewhere = path.replace(visit.path, other.path)
    expect(other.patient.post(elsewhere, json={}), 404, "offer-not-found")
    assert visit.state() == before

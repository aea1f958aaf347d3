"""Real answers are what the OpenAPI file says: no field more, none less."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest
from callclock import records
from callclock_server.api import schema
from callclock_server.api.application import build_api
from callclock_server.api.schemas import answers
from callclock_server.testing import running_server
from pydantic import BaseModel

from .world import World


def fits(response: httpx.Response, model: type[BaseModel]) -> dict[str, Any]:
    assert response.is_success, response.text
    model.model_validate_json(response.content, extra="forbid")
    body: dict[str, Any] = response.json()
    return body


def test_the_answers_of_a_whole_visit_fit_their_schemas(world: World) -> None:
    visit = world.appointment()
    doctor, path = visit.doctor, visit.path
    fits(doctor.get(path), answers.CallStateAnswer)
    fits(doctor.post(path, json={}), answers.CreatedCallAnswer)
    joined = fits(doctor.post(f"{path}/join", json={"device_id": "desk"}), answers.JoinAnswer)
    session = f"{path}/sessions/{joined['call']['session']['id']}"
    fits(doctor.post(f"{path}/extend", json={"seconds": 60, "reason": "late"}), answers.ExtendAnswer)
    fits(doctor.patch(path, json={"custom": {"a": 1}}), answers.CallStateAnswer)
    fits(
        doctor.post(
            f"{path}/members", json={"update_members": [{"user_id": visit.patient_id, "custom": {}}]}
        ),
        answers.MembersAnswer,
    )
    fits(doctor.get(session), answers.SessionAnswer)
    fits(doctor.get(f"{session}/ledger"), answers.LedgerAnswer)
    fits(doctor.post(f"{path}/leave"), answers.CallAnswer)
    fits(doctor.post(f"{path}/end"), answers.CallAnswer)
    fits(doctor.get(f"{session}/record"), answers.RecordAnswer)
    fits(doctor.get(f"{path}/sessions"), answers.SessionsPage)
    fits(doctor.post("/v1/calls/query", json={}), answers.CallsPage)
    fits(world.backend.post(f"{path}/reopen"), answers.CallAnswer)
    fits(world.backend.delete(path), answers.CallAnswer)


def test_the_answers_of_the_administration_fit_their_schemas(world: World) -> None:
    backend = world.backend
    role, kind, user = world.name("role"), world.name("type"), world.name("user")
    fits(backend.post("/v1/roles", json={"name": role}), answers.RoleAnswer)
    fits(backend.get("/v1/roles"), answers.RolesAnswer)
    fits(backend.get("/v1/capabilities"), answers.CapabilitiesAnswer)
    fits(backend.post("/v1/call_types", json={"name": kind, "grants": {role: []}}), answers.CallTypeAnswer)
    fits(backend.get("/v1/call_types"), answers.CallTypesAnswer)
    fits(backend.patch(f"/v1/call_types/{kind}", json={"members_only": False}), answers.CallTypeAnswer)
    fits(backend.post("/v1/users", json={"users": {user: {"id": user}}}), answers.UsersAnswer)
    fits(backend.get("/v1/users", params={"limit": 1}), answers.UsersPage)
    fits(backend.get(f"/v1/users/{user}"), answers.UserAnswer)
    fits(backend.delete(f"/v1/users/{user}"), answers.DeletedAnswer)
    fits(backend.delete(f"/v1/call_types/{kind}"), answers.DeletedAnswer)
    fits(backend.delete(f"/v1/roles/{role}"), answers.DeletedAnswer)


def test_a_problem_fits_its_schema(world: World) -> None:
    response = world.backend.post("/v1/roles", json={"name": "a b", "colour": 1})
    answers.Problem.model_validate_json(response.content, extra="forbid")


def test_a_join_names_this_host_for_media(world: World) -> None:
    call_type = world.call_type(
        {"user": ["join-call", "send-audio"]}, settings={"media": {"engine": "livekit"}}
    )
    user = world.user()
    body = world.must(world.client(user).post(f"{world.call(call_type, user)}/join", json={"device_id": "a"}))
    assert body["media"]["url"] == world.server.ws_url
    assert body["media"]["room"] == body["call"]["session"]["id"]
    assert body["participant"]["joined_at"] is None


def test_a_record_as_csv_has_the_same_sums(world: World) -> None:
    visit = world.appointment()
    joined = visit.join(visit.doctor)
    world.must(visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60, "reason": "=1+1"}))
    world.must(visit.doctor.post(f"{visit.path}/end"))
    path = f"{visit.path}/sessions/{joined['call']['session']['id']}/record"
    record = world.must(visit.doctor.get(path))["record"]
    answer = visit.doctor.get(path, params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    totals = {row["row"]: float(row["seconds"]) for row in rows if row["how"] == "ended_by_user"}
    assert totals["wall"] == record["wall_seconds"]
    changes = [row for row in rows if row["row"] == "change"]
    assert sum(int(row["seconds"]) for row in changes) == 3660
    assert changes[-1]["reason"] == "'=1+1"  # text, whatever a spreadsheet thinks
    keys = httpx.get(f"{world.server.url}/.well-known/callclock-record-keys.json")
    assert keys.headers["access-control-allow-origin"] == "*"
    signature = answer.headers["x-callclock-record-signature"]
    assert records.verify_csv(answer.content.decode(), keys.json(), signature=signature)
    assert records.verify(world.must(visit.patient.get(path)), keys.json())


def test_the_checked_in_schemas_are_current() -> None:
    assert schema.main(["--check"]) == 0


@pytest.mark.parametrize("status", ["401", "403", "422"])
def test_every_operation_names_its_refusals(status: str) -> None:
    paths = schema.openapi_schema(build_api())["paths"]
    for operations in paths.values():
        for operation in operations.values():
            assert operation["responses"][status]["content"]["application/problem+json"]
            assert operation["operationId"].isidentifier()


def test_a_join_without_a_media_engine_says_so_and_may_be_repeated() -> None:
    nowhere: dict[str, Any] = {
        "livekit_url": "http://127.0.0.1:9",
        "livekit_api_key": "k",
        "livekit_api_secret": "s" * 32,
    }
    with running_server(**nowhere) as server:
        world = World(server)
        call = f"{world.call('default')}/join"
        body = {"user_id": world.user(), "device_id": "tab"}
        refused = [world.backend.post(call, json=body) for _ in range(2)]
        assert [(one.status_code, one.json()["code"]) for one in refused] == [(503, "media-unavailable")] * 2
        world.close()

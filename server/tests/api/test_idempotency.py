"""The same key again returns the first answer and does nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .world import World


def test_a_repeated_key_returns_the_first_answer(world: World) -> None:
    visit = world.appointment()
    visit.join(visit.doctor)
    key = {"Idempotency-Key": world.name("key")}
    first = visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60, "reason": "a"}, headers=key)
    again = visit.doctor.post(f"{visit.path}/extend", json={"reason": "a", "seconds": 60}, headers=key)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["server_time"] > first.json()["server_time"]
    assert again.json()["change"] == first.json()["change"]
    assert visit.state()["call"]["session"]["max_duration_seconds"] == 3660


def test_a_key_keeps_the_status_of_a_creation(world: World) -> None:
    key, body = {"Idempotency-Key": world.name("key")}, {"name": world.name("role")}
    answers = [world.backend.post("/v1/roles", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]


def test_another_body_under_the_same_key_is_refused(world: World) -> None:
    visit = world.appointment()
    visit.join(visit.doctor)
    key = {"Idempotency-Key": world.name("key")}
    world.must(visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60}, headers=key))
    refused = visit.doctor.post(f"{visit.path}/extend", json={"seconds": 90}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert visit.state()["call"]["session"]["max_duration_seconds"] == 3660


def test_a_key_belongs_to_its_user_and_its_path(world: World) -> None:
    visit, other = world.appointment(), world.appointment()
    key = {"Idempotency-Key": world.name("key")}
    for one in (visit, other):
        one.join(one.doctor)
        answer = one.doctor.post(f"{one.path}/extend", json={"seconds": 60}, headers=key)
        assert "idempotency-replayed" not in answer.headers
    answer = world.backend.post(f"{visit.path}/extend", json={"seconds": 60}, headers=key)
    assert "idempotency-replayed" not in answer.headers


def test_a_refused_request_does_not_use_up_its_key(world: World) -> None:
    visit = world.appointment()
    key = {"Idempotency-Key": world.name("key")}
    assert visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60}, headers=key).status_code == 409
    visit.join(visit.doctor)
    assert visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60}, headers=key).is_success


def test_a_key_that_cannot_be_a_header_value_is_refused(world: World) -> None:
    response = world.backend.post(
        "/v1/roles", json={"name": world.name("role")}, headers={"Idempotency-Key": "x" * 256}
    )
    assert (response.status_code, response.json()["code"]) == (422, "invalid-value")


def test_parallel_requests_under_one_key_act_once(world: World) -> None:
    visit = world.appointment()
    visit.join(visit.doctor)
    key = {"Idempotency-Key": world.name("key")}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: visit.doctor.post(f"{visit.path}/extend", json={"seconds": 60}, headers=key),
                range(8),
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert visit.state()["call"]["session"]["max_duration_seconds"] == 3660

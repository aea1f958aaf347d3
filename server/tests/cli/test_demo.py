"""`callclock demo`: one command to a call."""

from __future__ import annotations

import re
import signal
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from callclock import AsyncStreamClient, StreamClient
from callclock_server.app import create_app
from callclock_server.demo.application import build_demo
from callclock_server.demo.appointment import Appointments, Opening
from callclock_server.demo.folder import read_or_make_keys
from callclock_server.demo.routes import demo_routes, is_ours
from callclock_server.settings import Settings
from callclock_server.testing import API_KEY, SECRET
from starlette.applications import Starlette

SECOND_START_SECONDS = 5.0


def links(demo) -> dict[str, str]:
    """The links that a demo printed, by user; waits for its last line."""
    demo.wait_for("Stop with Ctrl+C")
    return {
        link.rpartition("/")[2]: link for link in re.findall(r"http://\S+/demo/\S+", "".join(demo.stdout))
    }


def admit(link: str) -> dict[str, str]:
    base, _, user = link.partition("/demo/")
    answer = httpx.post(f"{base}/demo/session", json={"user": user})
    assert answer.status_code == 200, answer.text
    admitted: dict[str, str] = answer.json()
    return admitted | {"base": base}


def join(admitted: dict[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {admitted['token']}", "X-Api-Key": admitted["api_key"]}
    where = f"/v1/calls/{admitted['call_type']}/{admitted['call_id']}/join"
    answer = httpx.post(admitted["base"] + where, json={}, headers=headers, timeout=15)
    assert answer.status_code == 200, answer.text
    joined: dict[str, Any] = answer.json()
    return joined


def without_pictures(url: str, folder: Path) -> None:
    """Presence then needs no browser that reaches the media room within 30 s (design rule 1)."""
    [(key, secret)] = read_or_make_keys(folder).items()
    with StreamClient(key, secret, base_url=url, timeout=30) as client:
        call = client.video.call("appointment", "test-call")
        call.update(settings_override={"media": {"engine": "none"}})


def test_demo_leads_two_people_into_one_appointment_and_keeps_it(start, tmp_path) -> None:
    first = start("demo", "--port", "0", "--minutes", "6")
    given = links(first)
    assert set(given) == {"dr-lecter", "bill"}
    without_pictures(given["bill"].partition("/demo/")[0], tmp_path / "data" / "demo")
    answers = {user: join(admit(link)) for user, link in given.items()}
    assert "change-max-duration" in answers["dr-lecter"]["own_capabilities"]
    assert "change-max-duration" not in answers["bill"]["own_capabilities"]
    session = answers["bill"]["call"]["session"]
    assert session["id"] == answers["dr-lecter"]["call"]["session"]["id"]
    assert session["max_duration_seconds"] == 360
    assert not any(admit(link)["token"] in "".join(first.stdout + first.stderr) for link in given.values())
    assert first.finish(signal.SIGTERM) == 0

    second = start("demo", "--port", "0", "--minutes", "6")
    again = links(second)
    assert "is kept" in "".join(second.stdout)
    running = join(admit(again["bill"]))["call"]["session"]
    assert (running["id"], running["timer_ends_at"]) == (session["id"], session["timer_ends_at"])
    # Of the processor's seconds: on a machine that does nothing else they are the whole start.
    assert second.ready_cpu_seconds < SECOND_START_SECONDS
    assert second.finish(signal.SIGTERM) == 0


def test_demo_ignores_what_is_configured_for_something_else(start, tmp_path) -> None:
    demo = start(
        "demo",
        "--port",
        "0",
        CALLCLOCK_KEYS="prod:" + "x" * 40,
        CALLCLOCK_DATABASE_URL="postgresql://nowhere/db",
    )
    assert admit(links(demo)["bill"])["api_key"] == "demo"
    assert (tmp_path / "data" / "demo" / "callclock.db").is_file()
    assert demo.finish(signal.SIGINT) == 0


def test_keys_are_made_once_and_kept_from_others(tmp_path) -> None:
    first = read_or_make_keys(tmp_path / "demo")
    assert read_or_make_keys(tmp_path / "demo") == first
    assert stat.S_IMODE((tmp_path / "demo" / "keys").stat().st_mode) == 0o600


def routes_alone() -> Starlette:
    """The demo's routes without a server behind them: enough where none is asked."""
    appointments = Appointments(AsyncStreamClient(API_KEY, SECRET))
    return Starlette(routes=demo_routes(appointments, public_url="http://127.0.0.1", web_is_built=False))


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        keys={API_KEY: SECRET}, data_dir=tmp_path, media_host="127.0.0.1", media_addresses=("127.0.0.1",)
    )


async def test_prepare_loads_the_tutorial_and_renews_only_what_has_ended(settings) -> None:
    demo = build_demo(settings)
    async with demo.app.router.lifespan_context(demo.app):
        client = AsyncStreamClient(API_KEY, SECRET, transport=httpx.ASGITransport(app=demo.app))
        assert await demo.appointments.prepare(limit_seconds=3600) is Opening.NEW
        assert await demo.appointments.prepare(limit_seconds=360) is Opening.KEPT
        assert (await client.video.get_call_type("appointment")).settings.limits.max_duration_seconds == 360
        first = client.video.call("appointment", "test-call")
        await first.join(user_id="bill")
        assert await demo.appointments.prepare(limit_seconds=3600) is Opening.KEPT
        await first.end()
        assert await demo.appointments.prepare(limit_seconds=3600) is Opening.RENEWED
        assert (await demo.appointments.current()).id == "test-call-2"


async def test_rules_of_paid_time_come_and_go_with_their_option(settings) -> None:
    demo = build_demo(settings)
    async with demo.app.router.lifespan_context(demo.app):
        page = httpx.AsyncClient(transport=httpx.ASGITransport(app=demo.app), base_url="http://127.0.0.1")
        await demo.appointments.prepare(limit_seconds=3600)
        assert "make demo FAIR=1" in (await page.get("/")).text
        await demo.appointments.prepare(limit_seconds=3600, fair=True)
        call = await demo.appointments.start_over()
        assert call.custom == {"price_per_minute": {"amount": 2, "currency": "EUR"}}
        client = AsyncStreamClient(API_KEY, SECRET, transport=httpx.ASGITransport(app=demo.app))
        await client.video.call("appointment", call.id).join(user_id="bill")
        assert (await page.get("/demo/state")).json()["state"] == "waiting"
        assert "only bill's consent moves the end" in (await page.get("/")).text
        await demo.appointments.prepare(limit_seconds=3600)
        call = await demo.appointments.start_over()
        await client.video.call("appointment", call.id).join(user_id="bill")
        assert (await page.get("/demo/state")).json()["state"] == "running"


async def test_start_over_ends_the_running_appointment_and_leads_to_a_new_one(settings) -> None:
    demo = build_demo(settings)
    async with demo.app.router.lifespan_context(demo.app):
        await demo.appointments.prepare(limit_seconds=3600)
        page = httpx.AsyncClient(transport=httpx.ASGITransport(app=demo.app), base_url="http://127.0.0.1")
        client = AsyncStreamClient(API_KEY, SECRET, transport=httpx.ASGITransport(app=demo.app))
        await client.video.call("appointment", "test-call").join(user_id="bill")
        state = (await page.get("/demo/state")).json()
        assert (state["call_id"], state["running"]) == ("test-call", True)
        state = (await page.post("/demo/start-over", json={})).json()
        assert (state["call_id"], state["running"]) == ("test-call-2", False)
        former = await client.video.call("appointment", "test-call").get()
        assert former.call.ended_reason == "ended_by_user"
        session = (await page.post("/demo/session", json={"user": "bill"})).json()
        assert session["call_id"] == "test-call-2"
        assert session["user"] == {"id": "bill", "name": "Buffalo Bill", "role": "patient"}


async def test_page_offers_both_links_and_loads_nothing_from_elsewhere(settings) -> None:
    demo = build_demo(settings)
    async with demo.app.router.lifespan_context(demo.app):
        page = httpx.AsyncClient(transport=httpx.ASGITransport(app=demo.app), base_url="http://127.0.0.1")
        answer = await page.get("/")
    assert 'href="/demo/dr-lecter"' in answer.text
    assert 'href="/demo/bill"' in answer.text
    assert "Start over" in answer.text
    assert not re.search(r'(src|href)="(https?:)?//', answer.text)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Host": "evil.example"}, {"user": "bill"}, 403),
        ({"Origin": "http://evil.example"}, {"user": "bill"}, 403),
        ({"Content-Type": "text/plain"}, {"user": "bill"}, 404),
        ({}, {"user": "eve"}, 404),
        ({}, ["bill"], 404),
        ({}, {"user": "bill", "more": "x" * 2000}, 404),
    ],
    ids=["foreign name", "foreign page", "not JSON", "stranger", "no object", "too long"],
)
async def test_tokens_are_not_for_strangers(headers, body, status: int) -> None:
    page = httpx.AsyncClient(transport=httpx.ASGITransport(app=routes_alone()), base_url="http://127.0.0.1")
    answer = await page.post("/demo/session", json=body, headers=headers)
    assert answer.status_code == status
    assert "token" not in answer.json()


def test_names_that_are_surely_ours_are_addresses_localhost_and_the_configured_one() -> None:
    for name in ("127.0.0.1", "::1", "localhost", "demo.example"):
        assert is_ours(name, public_name="demo.example")
    assert not is_ours("evil.example", public_name="demo.example")


async def test_server_without_demo_hands_out_nothing(settings) -> None:
    transport = httpx.ASGITransport(app=create_app(settings))
    page = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
    assert (await page.post("/demo/session", json={"user": "bill"})).status_code in (404, 405)


async def test_links_say_make_web_while_the_web_files_are_missing() -> None:
    page = httpx.AsyncClient(transport=httpx.ASGITransport(app=routes_alone()), base_url="http://127.0.0.1")
    answers = [await page.get("/demo/bill"), await page.get("/")]
    assert [answer.status_code for answer in answers] == [503, 200]
    assert all("make web" in answer.text for answer in answers)

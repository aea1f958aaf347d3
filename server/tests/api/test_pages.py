"""What a browser gets: the web app, the docs, and what keeps them safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from callclock_server.testing import RunningServer, running_server
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def _hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello from a demo")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>the app</title>")
    (folder / "assets" / "app-1a2b.js").write_text("export {}")
    (folder.parent / "secret.txt").write_text("not for browsers")
    with running_server(
        web_dir=folder, cors_origins=("https://clinic.example",), extra_routes=[Route("/hello", _hello)]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(web_dir=tmp_path_factory.mktemp("empty")) as running:
        yield running


def get(server: RunningServer, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(base_url=server.url, verify=False) as client:
        return client.get(path, headers=headers)


@pytest.mark.parametrize("path", ["/", "/app/appointment/test-call", "/anything"])
def test_the_apps_own_addresses_get_its_page(site: RunningServer, path: str) -> None:
    response = get(site, path)
    assert (response.status_code, "the app" in response.text) == (200, True)
    assert response.headers["cache-control"] == "no-cache"


def test_hashed_files_are_kept_by_the_browser(site: RunningServer) -> None:
    response = get(site, "/assets/app-1a2b.js")
    assert "javascript" in response.headers["content-type"]
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/%2e%2e/secret.txt", "/v1/none", "/rtcx.js", "/docs/none"]
)
def test_what_is_not_there_is_not_found(site: RunningServer, path: str) -> None:
    response = get(site, path)
    assert response.status_code == 404
    assert "not for browsers" not in response.text


def test_the_policy_allows_our_scripts_and_sockets_and_nothing_else(site: RunningServer) -> None:
    policy = get(site, "/").headers["content-security-policy"]
    host = site.url.removeprefix("http://")
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert f"connect-src 'self' ws://{host} wss://{host};" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_extra_routes_come_before_the_web_files(site: RunningServer) -> None:
    assert get(site, "/hello").text == "hello from a demo"


def test_a_configured_origin_may_call_the_api(site: RunningServer) -> None:
    with httpx.Client(base_url=site.url, verify=False) as client:
        asked = client.options(
            "/v1/roles",
            headers={"Origin": "https://clinic.example", "Access-Control-Request-Method": "GET"},
        )
    assert asked.headers["access-control-allow-origin"] == "https://clinic.example"
    other = get(site, "/v1/roles", Origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in other.headers


def test_without_web_files_a_page_says_how_to_build_them(bare: RunningServer) -> None:
    assert "make web" in get(bare, "/").text
    assert get(bare, "/app").status_code == 404


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/errors", "/docs/events", "/docs/style.css", "/openapi.json"]
)
def test_the_docs_need_nothing_from_elsewhere(bare: RunningServer, path: str) -> None:
    response = get(bare, path)
    assert response.status_code == 200
    assert "https://" not in response.text.replace("https://json-schema.org", "")


def test_metrics_name_what_an_operator_watches(bare: RunningServer) -> None:
    get(bare, "/v1/roles")
    text = get(bare, "/metrics").text
    for name in (
        "callclock_end_lateness_seconds_bucket",
        "callclock_armed_sessions",
        "callclock_due_sessions",
        "callclock_oldest_overdue_seconds",
        "callclock_event_streams ",
        'callclock_http_requests_total{method="GET",route="/v1/roles",status="401"} 1.0',
    ):
        assert name in text


def test_health_and_readiness(bare: RunningServer) -> None:
    assert get(bare, "/healthz").json()["status"] == "ok"
    assert get(bare, "/readyz").json()["status"] == "ready"


def test_the_web_folder_is_not_left_by_links(site: RunningServer) -> None:
    assert site.app is not None
    folder = Path(site._given["web_dir"])
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert get(site, "/link.txt").status_code == 404

"""A real Chromium with livekit-client, and a page that tests drive from Python."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from .running import Running

CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 20_000
CLIENT_SCRIPT = Path(__file__).parents[3] / "web/node_modules/livekit-client/dist/livekit-client.umd.js"
HARNESS = Path(__file__).with_name("harness.html")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]

Send = Callable[[dict[str, Any]], Awaitable[None]]


def serving_the_page(server: Any) -> Any:
    """An ASGI application: the test page and livekit-client's bundle, else the room server."""
    if not CLIENT_SCRIPT.exists():
        raise FileNotFoundError(f"{CLIENT_SCRIPT} is missing: run make web-deps")
    files = {
        "/": (HARNESS.read_bytes(), b"text/html"),
        "/livekit-client.umd.js": (CLIENT_SCRIPT.read_bytes(), b"text/javascript"),
        "/favicon.ico": (b"", b"image/x-icon"),
    }

    async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
        found = files.get(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await server(scope, receive, send)
            return
        headers = [(b"content-type", found[1]), (b"content-length", str(len(found[0])).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": found[0]})

    return application


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser process; every tab gets its own context."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """One page with one livekit-client room in it."""

    def __init__(self, page: Page, *, url: str) -> None:
        self.page = page
        self._url = url
        self.console: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))

    async def join(self, token: str, **options: Any) -> None:
        """Connect; `options` are livekit-client's RoomOptions."""
        await self.page.evaluate(
            "([url, token, options]) => join(url, token, options)", [self._url, token, options]
        )

    async def run(self, expression: str) -> Any:
        """Evaluate JavaScript in which `room` is the room; promises are awaited."""
        return await self.page.evaluate(f"async () => {{ return await ({expression}); }}")

    async def until(self, condition: str, *, timeout_ms: int = WAIT_MS) -> None:
        """Wait until an async JavaScript condition is truthy; fails with the page's events."""
        script = f"until(async () => {{ return {condition}; }}, {timeout_ms})"
        if not await self.page.evaluate(script):
            events = await self.page.evaluate("events")
            raise AssertionError(
                f"never true: {condition}\nevents: {json.dumps(events)}\n{self.console[-15:]}"
            )

    async def until_more_frames(self, identity: str, source: str = "camera") -> None:
        """Wait until decoded frames of a received video have advanced by ten."""
        start = await self.run(f"decoded({identity!r}, {source!r})")
        await self.until(f"await decoded({identity!r}, {source!r}) > {start} + 10")

    async def until_more_audio(self, identity: str) -> None:
        """Wait until audio packets of a participant have advanced by twenty."""
        start = await self.run(f"packets({identity!r})")
        await self.until(f"await packets({identity!r}) > {start} + 20")


@asynccontextmanager
async def tabs(browser: Browser, site: Running, count: int) -> AsyncIterator[list[Tab]]:
    """Open that many tabs on the test page, for rooms of `site`."""
    contexts = [await browser.new_context(permissions=["camera", "microphone"]) for _ in range(count)]
    try:
        opened = []
        for context in contexts:
            page = await context.new_page()
            tab = Tab(page, url=site.url)
            await page.goto(f"{site.page_url}/")
            opened.append(tab)
        yield opened
    finally:
        for context in contexts:
            await context.close()

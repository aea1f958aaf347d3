"""A whole server for tests: on a loopback port, in a thread of its own, with a data folder of its own.

    with running_server() as server:
        httpx.get(f"{server.url}/healthz")

Works as an asynchronous context manager too.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import jwt
import uvicorn
from fastapi import FastAPI
from starlette.routing import BaseRoute

from callclock_server.api.serving import uvicorn_config
from callclock_server.app import create_app
from callclock_server.settings import Settings
from callclock_server.timekeeping import Clock, FakeClock

API_KEY = "test-key"
SECRET = "a-secret-for-tests-of-32-characters"  # noqa: S105 - of tests only
READY_WITHIN_SECONDS = 20.0

Result = TypeVar("Result")


def server_token(*, secret: str = SECRET, **claims: Any) -> str:
    """A server token: it may do everything."""
    return jwt.encode({"server": True, **claims}, secret, algorithm="HS256")


def user_token(
    user_id: str, *, secret: str = SECRET, ttl_seconds: float = 3600, call_cids: Iterable[str] | None = None
) -> str:
    """A user token that expires after `ttl_seconds` (negative: it has)."""
    now = time.time()
    claims: dict[str, Any] = {"user_id": user_id, "iat": int(now) - 1, "exp": now + ttl_seconds}
    if call_cids is not None:
        claims["call_cids"] = list(call_cids)
    return jwt.encode(claims, secret, algorithm="HS256")


class RunningServer:
    """A server between `start` and `stop`."""

    def __init__(
        self,
        *,
        extra_routes: Sequence[BaseRoute] = (),
        clock: Clock | None = None,
        test_clock: FakeClock | None = None,
        **settings: Any,
    ) -> None:
        self.api_key = API_KEY
        self.secret = SECRET
        self.url = ""
        self._extra_routes = extra_routes
        self._clock = clock
        self._port: int = settings.pop("port", 0)
        self._test_clock = test_clock
        self._given = settings
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self.app: FastAPI | None = None

    @property
    def ws_url(self) -> str:
        """The URL with the scheme ws."""
        return self.url.replace("http://", "ws://", 1)

    def server_token(self, **claims: Any) -> str:
        """A server token for this server."""
        return server_token(secret=self.secret, **claims)

    def user_token(
        self, user_id: str, *, ttl_seconds: float = 3600, call_cids: Iterable[str] | None = None
    ) -> str:
        """A user token for this server."""
        return user_token(user_id, secret=self.secret, ttl_seconds=ttl_seconds, call_cids=call_cids)

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the server's own loop, from a test's loop."""
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def headers(self, user_id: str | None = None) -> dict[str, str]:
        """Headers of a request by a user, or with a server token."""
        token = self.server_token() if user_id is None else self.user_token(user_id)
        return {"Authorization": f"Bearer {token}", "X-Api-Key": self.api_key}

    def start(self) -> Self:
        """Start and wait until requests are answered. Raises what the start raised."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=2048)
        port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        settings = self._settings(port)
        self.app = create_app(
            settings, extra_routes=self._extra_routes, clock=self._clock, test_clock=self._test_clock
        )
        self._server = uvicorn.Server(uvicorn_config(self.app, host="127.0.0.1", port=port))
        self._thread = threading.Thread(
            target=self._run, args=(self._server, listener), name="callclock", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._server.started:
            if self._failure is not None or not self._thread.is_alive():
                self._clean()
                raise RuntimeError("the server did not start") from self._failure
            if time.monotonic() > deadline:
                self.stop()
                raise TimeoutError("the server did not start in time")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop and remove the data folder."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=READY_WITHIN_SECONDS)
        self._clean()

    def _settings(self, port: int) -> Settings:
        given = dict(self._given)
        if "data_dir" not in given and "database_url" not in given:
            self._folder = tempfile.TemporaryDirectory(prefix="callclock-")
            given["data_dir"] = Path(self._folder.name)
        given.setdefault("keys", {self.api_key: self.secret})
        given.setdefault("media_host", "127.0.0.1")
        given.setdefault("media_addresses", ("127.0.0.1",))
        return Settings(host="127.0.0.1", port=port, **given)

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                self._loop = runner.get_loop()
                runner.run(server.serve(sockets=[listener]))
        except (Exception, SystemExit) as exc:
            self._failure = exc
        finally:
            listener.close()

    def _clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


def running_server(
    *,
    extra_routes: Sequence[BaseRoute] = (),
    clock: Clock | None = None,
    test_clock: FakeClock | None = None,
    **settings: Any,
) -> RunningServer:
    """A server to use in `with` or `async with`; `settings` are fields of `Settings`."""
    return RunningServer(extra_routes=extra_routes, clock=clock, test_clock=test_clock, **settings)

"""Run the application on a socket that was taken beforehand, until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn
from fastapi import FastAPI

from callclock_server.api.serving import GRACEFUL_SECONDS, uvicorn_config
from callclock_server.cli.trouble import Trouble

log = structlog.get_logger("callclock")

BACKLOG = 2048
COLLECT_AFTER = (20_000, 20, 20)  # new objects; rounds of the younger generation
# The part of the drain that is left to requests which still run when the event streams are gone.
LAST_REQUESTS = 0.2


def listen(host: str, port: int) -> socket.socket:
    """Take the HTTP port; 0 takes a free one. Raises `Trouble` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise Trouble(
                f"Port {port} on {host} is in use.",
                f"Stop the program that uses it (perhaps callclock already runs), or add --port {port + 1}.",
            ) from exc
        if exc.errno == errno.EACCES:
            raise Trouble(
                f"Port {port} may not be used by this user.",
                "Choose one above 1023, for instance --port 8000.",
            ) from exc
        raise Trouble(
            f"{host} cannot be listened on: {exc.strerror or exc}",
            "Set CALLCLOCK_HOST to an address of this machine, for instance 127.0.0.1.",
        ) from exc


def run(
    app: FastAPI,
    listener: socket.socket,
    *,
    prepare: Callable[[], Awaitable[None]] | None = None,
    ready: Callable[[], None],
    drain_seconds: float,
) -> None:
    """Serve until a signal comes. `prepare` runs once everything is open, `ready` when requests are accepted.

    The first signal begins the drain (`Server.drain` in `app.py`); `drain_seconds` later the process is gone
    at the latest. The second ends it at once. Both are safe: the database holds everything.

    What goes wrong while it starts is raised here: the lifespan is run by us and not by uvicorn, which would
    log it and carry on.
    """
    host, port = listener.getsockname()[:2]
    config = uvicorn_config(app, host=host, port=port)
    config.lifespan = "off"
    config.timeout_graceful_shutdown = min(GRACEFUL_SECONDS, LAST_REQUESTS * drain_seconds)  # type: ignore[assignment]
    server = _Draining(config, ready, drain=app.state.drain, drain_seconds=drain_seconds)

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            if prepare is not None:
                await prepare()
            rest_the_collector()
            server.quiet = True
            await server.serve(sockets=[listener])

    previous = {each: signal.signal(each, server.stop_early) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve())
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
        listener.close()


def rest_the_collector() -> None:
    """Let Python's cycle collector look seldom, and never again at what the start has made.

    By default it goes over everything that lives again and again while many objects are made: with thousands
    of plans and subscriptions that took a tenth of a second at a time, at the top of the hour of all times.
    Almost nothing here is part of a cycle; what is, goes at the rarer rounds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


class _Draining(uvicorn.Server):
    """Tells when it accepts requests, and drains before it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        *,
        drain: Callable[[], Awaitable[None]],
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self.quiet = False
        self._ready = ready
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._signals = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at the second signal end at once. uvicorn calls it while it serves."""
        self._signals += 1
        if self._signals > 1:
            _end_at_once(128 + sig)
        if self._loop is None:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._stop)

    def stop_early(self, number: int, frame: FrameType | None) -> None:
        """A signal before the server runs ends the process in order; one after it ran ends it at once."""
        if self.quiet:
            self.handle_exit(number, frame)
            return
        raise SystemExit(128 + number)

    def _stop(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._drain_seconds, _give_up, self._drain_seconds)
        self._stopping = loop.create_task(self._drain_and_exit())

    async def _drain_and_exit(self) -> None:
        try:
            await self._drain()
        except Exception:
            log.exception("drain_failed")
        finally:
            self.should_exit = True


def _give_up(seconds: float) -> None:
    log.error("stopped_before_all_was_done", drain_seconds=seconds)
    _end_at_once(1)


def _end_at_once(status: int) -> NoReturn:
    """End the process like a kill would: what was acknowledged is in the database."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

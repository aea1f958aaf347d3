"""Run the application on a socket that was taken beforehand, until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from callclock_server.api.serving import uvicorn_config
from callclock_server.cli.trouble import Trouble

BACKLOG = 2048


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
) -> None:
    """Serve until a signal comes. `prepare` runs once everything is open, `ready` when requests are accepted.

    What goes wrong while it starts is raised here: the lifespan is run by us and not by uvicorn, which would
    log it and carry on.
    """
    host, port = listener.getsockname()[:2]
    config = uvicorn_config(app, host=host, port=port)
    config.lifespan = "off"
    server = _Announcing(config, ready)

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            if prepare is not None:
                await prepare()
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


class _Announcing(uvicorn.Server):
    """Tells when it accepts requests; swallows the signal that uvicorn raises again after its own end."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.quiet = False
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    def stop_early(self, number: int, frame: FrameType | None) -> None:
        """A signal before the server runs ends the process; one that comes after is old news."""
        if self.quiet:
            return
        raise SystemExit(128 + number)

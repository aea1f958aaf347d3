"""The server with the demonstration's routes, and the SDK speaking to it without a socket."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from callclock import AsyncStreamClient
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from callclock_server.app import create_app, web_folder
from callclock_server.demo.appointment import Appointments
from callclock_server.demo.routes import demo_routes
from callclock_server.settings import Settings


@dataclass(frozen=True)
class Demo:
    """An application to serve, and what prepares it once its lifespan has begun."""

    app: FastAPI
    appointments: Appointments
    web_is_built: bool


def build_demo(settings: Settings) -> Demo:
    """Wire the server for the demonstration. `settings.keys` must hold its key."""

    async def the_app(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    api_key, secret = next(iter(settings.keys.items()))
    # The demonstration's routes need a client, the client needs the application, and that needs the routes.
    client = AsyncStreamClient(api_key, secret, transport=httpx.ASGITransport(app=the_app))
    appointments = Appointments(client)
    web_is_built = web_folder(settings) is not None
    public_url = settings.public_url or settings.loopback_url
    routes = demo_routes(appointments, public_url=public_url, web_is_built=web_is_built)
    app = create_app(settings, extra_routes=routes)
    return Demo(app, appointments, web_is_built)

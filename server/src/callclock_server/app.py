"""The composition root: settings in, wired application out.

Everything that lives as long as the server is built here, in this order: database, bus, event stream, media,
sweeper; and is closed in the reverse one. Background loops are started again when they fail; `/readyz` tells
when one is down.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from callclock_server import bus as buses
from callclock_server.api.application import build_api
from callclock_server.api.auth import Doorman
from callclock_server.api.docs import docs_routes
from callclock_server.api.event_stream.handoff import Pace
from callclock_server.api.event_stream.hub import Hub
from callclock_server.api.event_stream.roll_call import RollCall
from callclock_server.api.event_stream.socket import EventSocket
from callclock_server.api.frame import RequestFrame
from callclock_server.api.health import health_routes
from callclock_server.api.limits import BodyLimits
from callclock_server.api.media_routes import MediaRoute
from callclock_server.api.media_webhook import PATH as WEBHOOK_PATH
from callclock_server.api.media_webhook import media_webhook_route
from callclock_server.api.metrics import Metrics
from callclock_server.api.pages import page_routes
from callclock_server.api.record_keys import record_keys_route
from callclock_server.api.routing import Edge
from callclock_server.api.schema import events_schema, openapi_schema
from callclock_server.api.sessions import SIGNATURE_HEADER
from callclock_server.api.transaction import Transactions
from callclock_server.calls import presence
from callclock_server.calls.mirror import describe_room
from callclock_server.calls.signing import RecordSigner
from callclock_server.clock.sweeper import Sweeper
from callclock_server.clock.travel import TimeTravel
from callclock_server.domain.errors import NotReady
from callclock_server.media.access import MediaAccess
from callclock_server.media.clusters import Clusters
from callclock_server.media.worker import MediaWorker
from callclock_server.media_setup import open_clusters, reconcilers
from callclock_server.settings import Settings, SettingsError
from callclock_server.sfu.server import RoomServer, RoomServerSettings
from callclock_server.storage import migrate, nodes, sessions
from callclock_server.storage.database import Database, EventRow, Hint, clock_for
from callclock_server.storage.standing import measure
from callclock_server.timekeeping import Clock, FakeClock, FollowingClock

log = structlog.get_logger("callclock")

RESTART_AFTER_SECONDS = 1.0
READY_WITHIN_SECONDS = 3.0
_PACKAGED_WEB = Path(__file__).resolve().parent / "web"
_BUILT_WEB = Path(__file__).resolve().parents[3] / "web" / "apps" / "telemedicine" / "dist"


def create_app(
    settings: Settings,
    *,
    extra_routes: Sequence[BaseRoute] = (),
    clock: Clock | None = None,
    test_clock: FakeClock | None = None,
) -> FastAPI:
    """Return the whole server as one ASGI application. `extra_routes` come before the web files.

    With a `test_clock`, server tokens may move it on, and tokens are judged by the machine's clock.
    Raises `SettingsError` when no key is configured, or when a test clock is asked for in settings of
    production. The rest that can go wrong is found when it starts.
    """
    if not settings.keys:
        raise SettingsError(
            "CALLCLOCK_KEYS: at least one key:secret is needed; callclock keys generate makes one"
        )
    if test_clock is not None and settings.production_sign is not None:
        raise SettingsError(f"a test clock is only for tests, and {settings.production_sign}")
    decisive = clock or clock_for(settings.effective_database_url)
    server = Server(settings, clock=decisive, test_clock=test_clock)
    app = build_api(clock=server.clock, lifespan=server.lifespan)
    app.state.drain = server.drain
    app.router.routes[:0] = server.routes(app)
    media_urls = [cluster.url for cluster in settings.livekit_clusters]
    app.router.routes += [*extra_routes, *page_routes(web_folder(settings), media_urls=media_urls)]
    _add_layers(app, settings, server)
    return app


class Server:
    """What lives as long as the process."""

    def __init__(self, settings: Settings, *, clock: Clock, test_clock: FakeClock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = test_clock or clock
        # Tokens come from backends and browsers, whose clocks nobody can move on.
        self.token_clock = clock
        self.test_clock = test_clock
        self.metrics = Metrics()
        self.node_id = secrets.token_hex(presence.NODE_ID_LENGTH // 2)
        if isinstance(clock, FollowingClock):
            self.metrics.watch_clock(clock)
        self.doorman = Doorman(settings.keys, self.token_clock)
        self.signer = RecordSigner(settings.record_key_seeds)
        self._room_server = self._embedded_media()
        self._database: Database | None = None
        self._clusters: Clusters | None = None
        self._socket: EventSocket | None = None
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._down: set[str] = set()
        self._hub: Hub | None = None
        self.draining = False

    def routes(self, app: FastAPI) -> list[BaseRoute]:
        """All routes that are not part of the described API."""

        @cache
        def schema() -> dict[str, Any]:
            return openapi_schema(app)

        async def openapi(_request: Request) -> Response:
            return JSONResponse(schema())

        async def events(websocket: WebSocket) -> None:
            assert self._socket is not None
            await self._socket.serve(websocket)

        return [
            *([MediaRoute(self._room_server)] if self._room_server is not None else []),
            WebSocketRoute("/v1/events", events),
            media_webhook_route(),
            record_keys_route(self.signer),
            *health_routes(clock=self.clock, metrics=self.metrics, check=self._check, measure=self._measure),
            Route("/openapi.json", openapi),
            *docs_routes(schema, events_schema),
        ]

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Open everything, start the loops; close everything in the reverse order."""
        async with AsyncExitStack() as stack:
            database = await self._open_database(stack)
            bus = await self._open_bus(stack, database)
            hub = Hub(
                database=database,
                bus=bus,
                clock=self.clock,
                metrics=self.metrics,
                secret=next(iter(self.settings.keys.values())),
                token_clock=self.token_clock,
                node_id=self.node_id,
            )
            clusters = self._clusters = await open_clusters(self.settings, stack, clock=self.token_clock)
            worker = MediaWorker(
                database=database,
                clusters=clusters,
                describe=describe_room,
                subscribe=lambda receiver: bus.subscribe(buses.OUTBOX, receiver),
            )
            travel = await self._time_travel(database, bus, worker)
            self._wire(app, database, hub, clusters, travel)
            self._hub = hub
            if self._room_server is not None:
                await self._room_server.start()
                stack.push_async_callback(self._room_server.close)
            await self._answer_the_roll_call(stack, database, bus, hub)
            self._start_loops(stack, database, bus, hub, clusters, worker)
            stack.callback(hub.close)
            log.info(
                "started",
                url=self.settings.loopback_url,
                media="embedded" if self._room_server else "livekit",
            )
            yield

    async def drain(self) -> None:
        """Give the work away before the process stops; returns when its event streams are gone.

        From the first moment it reports not ready and turns new event streams away. Requests are answered
        and sessions end on time for as long as it lives.
        """
        assert self._socket is not None
        assert self._hub is not None
        self.draining = True
        self._socket.turn_away()
        others = Pace.among_others(self.settings.drain_seconds)
        await self._hub.hand_off(others if self.settings.has_others else Pace.alone())
        if self._room_server is not None:
            await self._room_server.dismiss()

    async def _open_database(self, stack: AsyncExitStack) -> Database:
        url = self.settings.effective_database_url
        if self.settings.database_url is None:
            self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        if self.settings.migrates_at_start:
            await migrate.migrate(url)
        elif await migrate.pending(url):
            raise SettingsError("the database schema is not current: run callclock migrate, then start again")
        database = await Database.open(
            url,
            sign=self.signer.sign_record,
            clock=self.clock,
            pool_size=self.settings.database_pool_size,
        )
        stack.push_async_callback(database.close)
        self._database = database
        return database

    async def _open_bus(self, stack: AsyncExitStack, database: Database) -> buses.Bus:
        """Raises `BusUnavailable` when Redis cannot be used now; what happens to it later is put up with."""
        bus: buses.Bus
        if self.settings.redis_url is None:
            bus = buses.LocalBus(alone=not self.settings.has_others)
        else:
            async with database.read() as tx:
                deployment = await nodes.deployment_id(tx)
            bus = buses.RedisBus(
                self.settings.redis_url,
                prefix=f"{self.settings.redis_prefix}:{deployment}",
                node_id=self.node_id,
                row=EventRow,
                fields=[field.name for field in fields(EventRow)],
            )
            await bus.open()
            stack.push_async_callback(bus.close)
            self.metrics.watch_bus(bus)
        buses.connect(database, bus)
        return bus

    async def _time_travel(
        self, database: Database, bus: buses.Bus, worker: MediaWorker
    ) -> TimeTravel | None:
        if self.test_clock is None:
            return None
        sweeper = Sweeper(database, bus)
        travel = TimeTravel(
            database=database, clock=self.test_clock, sweeper=sweeper, perform=worker.run_once
        )
        await travel.catch_up()
        return travel

    def _wire(
        self, app: FastAPI, database: Database, hub: Hub, clusters: Clusters, travel: TimeTravel | None
    ) -> None:
        app.state.edge = Edge(
            transactions=Transactions(database, self.clock),
            doorman=self.doorman,
            hub=hub,
            media=MediaAccess(clusters),
            signer=self.signer,
            clock=self.clock,
            token_clock=self.token_clock,
            travel=travel,
        )
        self._socket = EventSocket(hub=hub, doorman=self.doorman)

        def note(hint: Hint) -> None:
            hub.note(hint)
            self.metrics.note_ends(hint.events, now=self.clock.now())

        database.on_hint(note)

    def _start_loops(
        self,
        stack: AsyncExitStack,
        database: Database,
        bus: buses.Bus,
        hub: Hub,
        clusters: Clusters,
        worker: MediaWorker,
    ) -> None:
        runs = {
            "sweeper": Sweeper(database, bus).run,
            "events": hub.run,
            "media": worker.run,
            **reconcilers(self.settings, clusters, database),
        }
        for name, run in runs.items():
            self._loops[name] = asyncio.create_task(self._forever(name, run), name=name)
        stack.push_async_callback(self._stop_loops)

    async def _answer_the_roll_call(
        self, stack: AsyncExitStack, database: Database, bus: buses.Bus, hub: Hub
    ) -> None:
        """Tell the other nodes that this one lives; alone, give up what the former process had."""
        if not self.settings.has_others:
            await database.run(partial(nodes.only, node_id=self.node_id))
            await database.run(presence.connections_of_former_process_lost)
            return
        roll_call = RollCall(database, bus, node_id=self.node_id, cut_off=hub.close)
        await roll_call.beat()
        stack.push_async_callback(roll_call.leave)
        self._loops["nodes"] = asyncio.create_task(self._forever("nodes", roll_call.run), name="nodes")

    async def _forever(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception:
                # The last line of defence: a call must end even after a fault that nobody thought of.
                log.exception("loop_failed", loop=name)
                self._down.add(name)
            await asyncio.sleep(RESTART_AFTER_SECONDS)
            self._down.discard(name)

    async def _stop_loops(self) -> None:
        for task in self._loops.values():
            task.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)

    async def _check(self) -> None:
        if self.draining:
            raise NotReady("The process is being stopped.")
        if self._down:
            raise RuntimeError(f"not running: {', '.join(sorted(self._down))}")
        async with asyncio.timeout(READY_WITHIN_SECONDS), self._opened().read() as tx:
            await sessions.earliest_alarm(tx)
        if self._clusters is not None and self._clusters.all_refused:
            raise RuntimeError(self._clusters.all_refused)

    def _opened(self) -> Database:
        if self._database is None:
            raise RuntimeError("the database is not open")
        return self._database

    async def _measure(self) -> None:
        async with self._opened().read() as tx:
            standing = await measure(tx)
        self.metrics.armed_sessions.set(standing.armed_sessions)
        self.metrics.due_sessions.set(standing.due_sessions)
        self.metrics.oldest_overdue.set(standing.oldest_overdue_seconds)
        self.metrics.outbox_rows.set(standing.outbox_rows)

    def _embedded_media(self) -> RoomServer | None:
        settings = self.settings
        if not settings.embedded_media:
            return None
        key, secret = settings.embedded_credentials
        return RoomServer(
            RoomServerSettings(
                api_keys={key: secret},
                udp_host=settings.media_host,
                udp_port=settings.media_port,
                addresses=settings.media_addresses,
                webhook_urls=(settings.loopback_url + WEBHOOK_PATH,),
                now=lambda: self.token_clock.now().timestamp(),
                # They go to this process, which has stopped listening by then; the next start compares
                # who is there.
                last_webhooks_seconds=0.0,
            )
        )


def _add_layers(app: FastAPI, settings: Settings, server: Server) -> None:
    """The last layer added is the outermost."""
    app.add_middleware(BodyLimits, clock=server.clock)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "X-Api-Key", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Idempotency-Replayed", SIGNATURE_HEADER],
            max_age=600,
        )
    https = (settings.public_url or "").startswith("https://")
    app.add_middleware(
        RequestFrame,
        clock=server.clock,
        metrics=server.metrics,
        https=https,
        stopping=lambda: server.draining,
    )


def web_folder(settings: Settings) -> Path | None:
    """Return where the built pages are: as configured, in the package, or in the repository; else None."""
    if settings.web_dir is not None:
        return settings.web_dir
    return next((folder for folder in (_PACKAGED_WEB, _BUILT_WEB) if (folder / "index.html").is_file()), None)

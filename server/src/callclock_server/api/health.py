"""For operators and their machines: alive, ready, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callclock_server.api.metrics import CONTENT_TYPE, Metrics
from callclock_server.api.problems import problem_response
from callclock_server.api.wire import dump, stamped_response
from callclock_server.domain.errors import NotReady, Unavailable
from callclock_server.timekeeping import Clock

log = structlog.get_logger("callclock.health")

Check = Callable[[], Awaitable[None]]


def health_routes(*, clock: Clock, metrics: Metrics, check: Check, measure: Check) -> list[Route]:
    """`check` raises when the server cannot serve; `measure` fills the gauges before a scrape."""

    async def healthz(_request: Request) -> Response:
        return stamped_response(dump({"status": "ok"}), now=clock.now())

    async def readyz(request: Request) -> Response:
        try:
            await check()
        except NotReady as known:
            return problem_response(known, now=clock.now(), request_id=request.state.request_id)
        except (Unavailable, TimeoutError) as exc:
            log.warning("not_ready", reason=str(exc))
            return problem_response(NotReady(), now=clock.now(), request_id=request.state.request_id)
        except Exception:
            log.exception("not_ready")
            return problem_response(NotReady(), now=clock.now(), request_id=request.state.request_id)
        return stamped_response(dump({"status": "ready"}), now=clock.now())

    async def scrape(_request: Request) -> Response:
        await measure()
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("/healthz", healthz, name="healthz"),
        Route("/readyz", readyz, name="readyz"),
        Route("/metrics", scrape, name="metrics"),
    ]

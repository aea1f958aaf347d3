"""The test clock: read and moved on by users' tests. Only `callclock serve --test-clock` has one."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from callclock_server.api.routing import ActorOf, Edge, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import idempotency_key
from callclock_server.api.wire import dump, stamped_response
from callclock_server.calls import users
from callclock_server.clock.travel import TimeTravel
from callclock_server.domain.errors import NoTestClock
from callclock_server.domain.permissions import Actor

routes = router("Test clock")


@routes.get("/test_clock", response_model=answers.TestClockAnswer, responses=problems(404))
async def get_test_clock(edge: EdgeOf, by: ActorOf) -> Response:
    """Get the time at which the test clock stands. Needs a server token."""
    travel = await _travel(edge, by)
    return _answer(travel, travel.now())


@routes.post(
    "/test_clock/advance", response_model=answers.TestClockAnswer, responses=problems(400, 404, 413, 415)
)
async def advance_test_clock(
    request: Request, edge: EdgeOf, by: ActorOf, body: requests.AdvanceTestClockRequest
) -> Response:
    """Move the test clock on. Needs a server token.

    The answer comes when everything that falls due on the way is settled in order, committed and told.
    """
    travel = await _travel(edge, by)
    return _answer(travel, await travel.advance(body.seconds, key=idempotency_key(request)))


async def _travel(edge: Edge, by: Actor) -> TimeTravel:
    async with edge.transactions.database.read() as tx:
        await users.require_user(tx, by)
    by.require_server()
    if edge.travel is None:
        raise NoTestClock("Start a server for tests with callclock serve --test-clock.")
    return edge.travel


def _answer(travel: TimeTravel, reached: datetime) -> Response:
    return stamped_response(dump({"test_clock": {"now": reached}}), now=travel.now())

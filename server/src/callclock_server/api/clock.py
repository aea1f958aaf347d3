"""The clock by hand: start, pause, resume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response

from callclock_server.api.calls import PATH
from callclock_server.api.routing import ActorOf, CallOf, CallPath, Edge, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import clock_by_hand
from callclock_server.calls.answers import ExtendAnswer
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import Transaction

routes = router("Clock")
_RESPONSES = problems(400, 404, 409, 413, 415)
_UseCase = Callable[..., Awaitable[ExtendAnswer]]


@routes.post(f"{PATH}/start_clock", response_model=answers.ClockAnswer, responses=_RESPONSES)
async def start_clock(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.ClockRequest | None = None
) -> Response:
    """Start a clock that waits. Needs `change-max-duration`, like the other two."""
    return await _run(clock_by_hand.start_clock, request, edge, by, call, body)


@routes.post(f"{PATH}/pause", response_model=answers.ClockAnswer, responses=_RESPONSES)
async def pause_clock(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.ClockRequest | None = None
) -> Response:
    """Halt the running clock, for as long as `max_pause_seconds` leaves."""
    return await _run(clock_by_hand.pause_clock, request, edge, by, call, body)


@routes.post(f"{PATH}/resume", response_model=answers.ClockAnswer, responses=_RESPONSES)
async def resume_clock(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.ClockRequest | None = None
) -> Response:
    """Let a clock that was halted by hand go on."""
    return await _run(clock_by_hand.resume_clock, request, edge, by, call, body)


async def _run(
    use_case: _UseCase,
    request: Request,
    edge: Edge,
    by: Actor,
    call: CallPath,
    body: requests.ClockRequest | None,
) -> Response:
    async def deed(tx: Transaction) -> Body:
        given: dict[str, Any] = body.given() if body else {}
        answer = await use_case(tx, by, type=call.type, id=call.id, **given)
        return {"call": answer.call, "change": answer.change}

    return await edge.transactions.write(request, by, deed)

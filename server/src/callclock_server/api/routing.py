"""What all routes under `/v1` share: who is asking comes first, then strict JSON, then the route."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.routing import APIRoute

from callclock_server.api.auth import Doorman, bearer_token
from callclock_server.api.event_stream.hub import Hub
from callclock_server.api.schemas.answers import Problem
from callclock_server.api.schemas.fields import Id
from callclock_server.api.transaction import Transactions
from callclock_server.calls.signing import RecordSigner
from callclock_server.clock.travel import TimeTravel
from callclock_server.domain.permissions import Actor
from callclock_server.media.access import MediaAccess
from callclock_server.timekeeping import Clock

API_KEY_HEADER = "X-Api-Key"


@dataclass(frozen=True, slots=True)
class Edge:
    """What routes need, built by the composition root and kept in `app.state.edge`."""

    transactions: Transactions
    doorman: Doorman
    hub: Hub
    media: MediaAccess
    signer: RecordSigner
    clock: Clock
    token_clock: Clock
    """By which tokens are made and judged: the machine's, also where `clock` is a test clock."""
    travel: TimeTravel | None = None
    """How a test clock is moved on; None on a server that has none."""


class StrictRequest(Request):
    """Parses JSON by the book: no NaN, no lone surrogates, no endless nesting."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class AuthenticatedRoute(APIRoute):
    """Authenticates before anything of the request is judged: a stranger learns nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            edge: Edge = request.app.state.edge
            token = bearer_token(request.headers.get("authorization"))
            identity = edge.doorman.admit(api_key=request.headers.get(API_KEY_HEADER), token=token)
            request.state.actor = identity.actor
            return await handler(StrictRequest(request.scope, request.receive))

        return authenticated


# Coroutines, though they wait for nothing: FastAPI sends plain functions to a thread, three for each request.
async def _edge(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


@dataclass(frozen=True, slots=True)
class CallPath:
    """The two parts of a call's address."""

    type: str
    id: str

    @property
    def cid(self) -> str:
        """The call's cid."""
        return f"{self.type}:{self.id}"


async def _call_path(
    type: Annotated[Id, Path(description="The call type.")],  # noqa: A002 - the word of the path
    id: Annotated[Id, Path(description="The call's id within its type.")],  # noqa: A002
) -> CallPath:
    return CallPath(type, id)


EdgeOf = Annotated[Edge, Depends(_edge)]
ActorOf = Annotated[Actor, Depends(_actor)]
CallOf = Annotated[CallPath, Depends(_call_path)]


def operation_id(route: APIRoute) -> str:
    """`get_call` becomes `getCall`: the name of the method in generated clients."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its own refusals and those that every route knows."""
    texts = {
        400: "The body is not valid JSON.",
        401: "Not authenticated.",
        403: "Not allowed.",
        404: "Not found, or nothing that the caller may see.",
        409: "Not in this state.",
        413: "The body is too large.",
        415: "The body must be application/json.",
        422: "A value is not valid; `errors` names the fields.",
        503: "The database or the media engine does not answer; try again.",
    }
    return {
        status: {"model": Problem, "description": texts[status]}
        for status in sorted({401, 403, 422, 503, *statuses})
    }


def router(tag: str) -> APIRouter:
    """A router for one resource."""
    return APIRouter(
        prefix="/v1", tags=[tag], route_class=AuthenticatedRoute, generate_unique_id_function=operation_id
    )

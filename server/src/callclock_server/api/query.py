"""Queries over calls."""

from __future__ import annotations

from fastapi import Response

from callclock_server.api.routing import ActorOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import query
from callclock_server.storage.database import Transaction

routes = router("Calls")


@routes.post("/calls/query", response_model=answers.CallsPage, responses=problems(400, 413, 415))
async def query_calls(edge: EdgeOf, by: ActorOf, body: requests.QueryCallsRequest | None = None) -> Response:
    """Find calls by type, members, state, times and custom data. Users find only what they may read."""
    wanted = body or requests.QueryCallsRequest()

    async def deed(tx: Transaction) -> Body:
        page = await query.query_calls(
            tx,
            by,
            filter=wanted.filter,
            sort=[one.model_dump() for one in wanted.sort],
            limit=wanted.limit,
            next=wanted.next,
        )
        return {"calls": [answer.as_json() for answer in page.items], "next": page.next}

    return await edge.transactions.read(by, deed)

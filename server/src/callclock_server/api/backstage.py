"""The waiting room, and the call's going live. All need `join-backstage`."""

from __future__ import annotations

from fastapi import Request, Response

from callclock_server.api.calls import PATH
from callclock_server.api.routing import ActorOf, CallOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import backstage
from callclock_server.storage.database import Transaction

routes = router("Backstage")


@routes.get(f"{PATH}/waiting", response_model=answers.WaitingAnswer, responses=problems(404))
async def list_waiting(edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """List who is in the waiting room."""

    async def deed(tx: Transaction) -> Body:
        return {"waiting": await backstage.list_waiting(tx, by, type=call.type, id=call.id)}

    return await edge.transactions.read(by, deed)


@routes.post(f"{PATH}/admit", response_model=answers.AdmitAnswer, responses=problems(400, 404, 409, 413, 415))
async def admit(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.AdmitRequest
) -> Response:
    """Let one user in from the waiting room."""

    async def deed(tx: Transaction) -> Body:
        answer, admitted = await backstage.admit(tx, by, type=call.type, id=call.id, user_id=body.user_id)
        return {"call": answer.call, "admitted": admitted}

    return await edge.transactions.write(request, by, deed)


@routes.post(f"{PATH}/go_live", response_model=answers.CallAnswer, responses=problems(404, 409))
async def go_live(request: Request, edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """Open the call: whoever waits comes in."""

    async def deed(tx: Transaction) -> Body:
        return {"call": (await backstage.go_live(tx, by, type=call.type, id=call.id)).call}

    return await edge.transactions.write(request, by, deed)


@routes.post(f"{PATH}/stop_live", response_model=answers.CallAnswer, responses=problems(404, 409))
async def stop_live(request: Request, edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """Close the call: newcomers wait again. A clock that runs goes on."""

    async def deed(tx: Transaction) -> Body:
        return {"call": (await backstage.stop_live(tx, by, type=call.type, id=call.id)).call}

    return await edge.transactions.write(request, by, deed)

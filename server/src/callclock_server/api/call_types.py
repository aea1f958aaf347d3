"""Call types: what calls of a kind share. All of it needs a server token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from callclock_server.api.routing import ActorOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.schemas.fields import Id
from callclock_server.api.transaction import Body
from callclock_server.calls import call_types
from callclock_server.calls.permissions import access_changed
from callclock_server.storage.database import Transaction

routes = router("Call types")
TypeName = Annotated[Id, Path(description="The call type's name.")]


@routes.get("/call_types", response_model=answers.CallTypesAnswer, responses=problems())
async def list_call_types(edge: EdgeOf, by: ActorOf) -> Response:
    """List all call types."""

    async def deed(tx: Transaction) -> Body:
        return {"call_types": await call_types.list_call_types(tx, by)}

    return await edge.transactions.read(by, deed)


@routes.post(
    "/call_types",
    response_model=answers.CallTypeAnswer,
    status_code=201,
    responses=problems(400, 409, 413, 415),
)
async def create_call_type(
    request: Request, edge: EdgeOf, by: ActorOf, body: requests.CreateCallTypeRequest
) -> Response:
    """Create a call type: grants by role, settings, and whether only members may see its calls."""

    async def deed(tx: Transaction) -> Body:
        view = await call_types.create_call_type(
            tx,
            by,
            name=body.name,
            grants=body.grants,
            settings=body.given().get("settings"),
            members_only=True if body.members_only is None else body.members_only,
        )
        return {"call_type": view}

    return await edge.transactions.write(request, by, deed, status=201)


@routes.get("/call_types/{name}", response_model=answers.CallTypeAnswer, responses=problems(404))
async def get_call_type(edge: EdgeOf, by: ActorOf, name: TypeName) -> Response:
    """Get a call type."""

    async def deed(tx: Transaction) -> Body:
        return {"call_type": await call_types.get_call_type(tx, by, name=name)}

    return await edge.transactions.read(by, deed)


@routes.patch(
    "/call_types/{name}", response_model=answers.CallTypeAnswer, responses=problems(400, 404, 413, 415)
)
async def update_call_type(
    request: Request, edge: EdgeOf, by: ActorOf, name: TypeName, body: requests.UpdateCallTypeRequest
) -> Response:
    """Change a call type. A new time limit applies to sessions that start later; new grants at once."""

    async def deed(tx: Transaction) -> Body:
        given = body.given()
        view = await call_types.update_call_type(
            tx,
            by,
            name=name,
            grants=given.get("grants"),
            settings=given.get("settings"),
            members_only=given.get("members_only"),
        )
        await access_changed(tx, call_type=name)
        return {"call_type": view}

    return await edge.transactions.write(request, by, deed)


@routes.delete("/call_types/{name}", response_model=answers.DeletedAnswer, responses=problems(404, 409))
async def delete_call_type(request: Request, edge: EdgeOf, by: ActorOf, name: TypeName) -> Response:
    """Delete a call type of which there are no calls."""

    async def deed(tx: Transaction) -> Body:
        await call_types.delete_call_type(tx, by, name=name)
        return {}

    return await edge.transactions.write(request, by, deed)

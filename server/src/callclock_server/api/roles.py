"""Roles and capabilities."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from callclock_server.api.routing import ActorOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.schemas.fields import Id
from callclock_server.api.transaction import Body
from callclock_server.calls import roles
from callclock_server.domain.capabilities import CAPABILITIES
from callclock_server.storage.database import Transaction

routes = router("Roles")


@routes.get("/roles", response_model=answers.RolesAnswer, responses=problems())
async def list_roles(edge: EdgeOf, by: ActorOf) -> Response:
    """List all roles."""

    async def deed(tx: Transaction) -> Body:
        return {"roles": await roles.list_roles(tx, by)}

    return await edge.transactions.read(by, deed)


@routes.post(
    "/roles", response_model=answers.RoleAnswer, status_code=201, responses=problems(400, 409, 413, 415)
)
async def create_role(
    request: Request, edge: EdgeOf, by: ActorOf, body: requests.CreateRoleRequest
) -> Response:
    """Create a role. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        return {"role": await roles.create_role(tx, by, name=body.name)}

    return await edge.transactions.write(request, by, deed, status=201)


@routes.delete("/roles/{name}", response_model=answers.DeletedAnswer, responses=problems(404, 409))
async def delete_role(request: Request, edge: EdgeOf, by: ActorOf, name: Annotated[Id, Path()]) -> Response:
    """Delete a role that nobody has and no call type grants to. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        await roles.delete_role(tx, by, name=name)
        return {}

    return await edge.transactions.write(request, by, deed)


@routes.get("/capabilities", response_model=answers.CapabilitiesAnswer, responses=problems())
async def list_capabilities(edge: EdgeOf, by: ActorOf) -> Response:
    """List what a role can be granted on a call type."""

    async def deed(_tx: Transaction) -> Body:
        return {"capabilities": [{"name": name, "description": text} for name, text in CAPABILITIES.items()]}

    return await edge.transactions.read(by, deed)

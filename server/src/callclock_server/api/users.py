"""Users: created and changed by your server, readable by themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from callclock_server.api.routing import ActorOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.schemas.fields import UserId
from callclock_server.api.transaction import Body
from callclock_server.calls import users
from callclock_server.calls.permissions import access_changed
from callclock_server.storage.database import Transaction

routes = router("Users")
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1024, description="The cursor of the previous page.")]
UserPath = Annotated[UserId, Path(description="The user's id.")]


@routes.post("/users", response_model=answers.UsersAnswer, responses=problems(400, 413, 415))
async def upsert_users(
    request: Request, edge: EdgeOf, by: ActorOf, body: requests.UpsertUsersRequest
) -> Response:
    """Create users, or change those that exist. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        views = await users.upsert_users(tx, by, users=body.given()["users"])
        await access_changed(tx, users=list(views))
        return {"users": views}

    return await edge.transactions.write(request, by, deed)


@routes.get("/users", response_model=answers.UsersPage, responses=problems())
async def list_users(
    edge: EdgeOf,
    by: ActorOf,
    limit: Limit = 25,
    next: Cursor = None,  # noqa: A002
) -> Response:
    """List users, page by page. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        page = await users.list_users(tx, by, limit=limit, next=next)
        return {"users": page.items, "next": page.next}

    return await edge.transactions.read(by, deed)


@routes.get("/users/{user_id}", response_model=answers.UserAnswer, responses=problems(404))
async def get_user(edge: EdgeOf, by: ActorOf, user_id: UserPath) -> Response:
    """Get a user: with a server token, or the user itself."""

    async def deed(tx: Transaction) -> Body:
        return {"user": await users.get_user(tx, by, user_id=user_id)}

    return await edge.transactions.read(by, deed)


@routes.delete("/users/{user_id}", response_model=answers.DeletedAnswer, responses=problems(404))
async def delete_user(request: Request, edge: EdgeOf, by: ActorOf, user_id: UserPath) -> Response:
    """Delete a user. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        await users.delete_user(tx, by, user_id=user_id)
        await access_changed(tx, users=[user_id])
        return {}

    return await edge.transactions.write(request, by, deed)

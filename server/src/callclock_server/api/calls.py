"""Calls: create, read, change, end."""

from __future__ import annotations

from fastapi import Request, Response

from callclock_server.api.routing import ActorOf, CallOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import create, delete, end, extend, members, read, reopen, update
from callclock_server.calls.answers import ExtendAnswer
from callclock_server.calls.permissions import access_changed
from callclock_server.storage.database import Transaction

routes = router("Calls")
PATH = "/calls/{type}/{id}"


@routes.post(
    PATH,
    response_model=answers.CreatedCallAnswer,
    responses={
        **problems(400, 404, 413, 415),
        201: {"model": answers.CreatedCallAnswer, "description": "Created."},
    },
)
async def get_or_create_call(
    request: Request,
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    body: requests.GetOrCreateCallRequest | None = None,
) -> Response:
    """Get a call, or create it (201). One that exists is returned unchanged."""

    async def deed(tx: Transaction) -> Body:
        data = (body.given() if body else {}).get("data")
        answer = await create.get_or_create_call(tx, by, type=call.type, id=call.id, data=data)
        return {**answer.as_json(), "created": answer.created}

    return await edge.transactions.write(
        request, by, deed, status=lambda made: 201 if made["created"] else 200
    )


@routes.get(PATH, response_model=answers.CallStateAnswer, responses=problems(404))
async def get_call(edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """Get a call's state, its members, and what the caller may do in it."""

    async def deed(tx: Transaction) -> Body:
        return (await read.get_call(tx, by, type=call.type, id=call.id)).as_json()

    return await edge.transactions.read(by, deed)


@routes.patch(PATH, response_model=answers.CallStateAnswer, responses=problems(400, 404, 413, 415))
async def update_call(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.UpdateCallRequest
) -> Response:
    """Change settings, start time or custom data. A new time limit moves a running deadline."""

    async def deed(tx: Transaction) -> Body:
        return (await update.update_call(tx, by, type=call.type, id=call.id, changes=body.given())).as_json()

    return await edge.transactions.write(request, by, deed)


@routes.delete(PATH, response_model=answers.CallAnswer, responses=problems(404))
async def delete_call(request: Request, edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """Delete a call; a running session ends first. Needs a server token."""

    async def deed(tx: Transaction) -> Body:
        return {"call": (await delete.delete_call(tx, by, type=call.type, id=call.id)).call}

    return await edge.transactions.write(request, by, deed)


@routes.post(f"{PATH}/end", response_model=answers.CallAnswer, responses=problems(404))
async def end_call(request: Request, edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """End the call for everybody. Ending an ended call changes nothing."""

    async def deed(tx: Transaction) -> Body:
        return {"call": (await end.end_call(tx, by, type=call.type, id=call.id)).call}

    return await edge.transactions.write(request, by, deed)


@routes.post(
    f"{PATH}/extend",
    response_model=answers.ExtendAnswer,
    responses={
        **problems(400, 404, 409, 413, 415),
        202: {"model": answers.ExtendAnswer, "description": "Offered; the other side has to agree."},
    },
)
async def extend_call(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.ExtendCallRequest
) -> Response:
    """Move the running session's deadline by some seconds, atomically.

    Under a policy with `consent_roles`, more time is offered to the other side instead (202).
    """

    async def deed(tx: Transaction) -> Body:
        answer = await extend.extend_call(
            tx,
            by,
            type=call.type,
            id=call.id,
            seconds=body.seconds,
            idempotency_key=body.idempotency_key,
            reason=body.reason,
            price_text=body.price_text,
        )
        return extension_body(answer)

    return await edge.transactions.write(request, by, deed, status=extension_status)


def extension_body(answer: ExtendAnswer) -> Body:
    """What every answer about an extension holds."""
    return {
        "call": answer.call,
        "change": answer.change,
        "offer": answer.offer,
        "warnings": answer.warnings,
    }


def extension_status(body: Body) -> int:
    """202 for an offer: nothing has changed yet."""
    return 202 if body["change"] is None else 200


@routes.post(f"{PATH}/reopen", response_model=answers.CallAnswer, responses=problems(404, 409))
async def reopen_call(request: Request, edge: EdgeOf, by: ActorOf, call: CallOf) -> Response:
    """Clear the end of a call: the next join starts a new session with a new ledger."""

    async def deed(tx: Transaction) -> Body:
        return {"call": (await reopen.reopen_call(tx, by, type=call.type, id=call.id)).call}

    return await edge.transactions.write(request, by, deed)


@routes.post(f"{PATH}/members", response_model=answers.MembersAnswer, responses=problems(400, 404, 413, 415))
async def update_members(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.UpdateMembersRequest
) -> Response:
    """Add, change and remove members. Who is removed from a members-only call leaves its session."""

    async def deed(tx: Transaction) -> Body:
        given = body.given()
        answer = await members.update_members(
            tx,
            by,
            type=call.type,
            id=call.id,
            update_members=given.get("update_members", []),
            remove_members=given.get("remove_members", []),
        )
        concerned = [one["user_id"] for one in given.get("update_members", [])] + given.get(
            "remove_members", []
        )
        if concerned:
            await access_changed(tx, users=concerned)
        return {"call": answer.call, "members": answer.members}

    return await edge.transactions.write(request, by, deed)

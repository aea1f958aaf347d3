"""Offers of more time that need consent, and requests of those who may not extend."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request, Response

from callclock_server.api.calls import PATH, extension_body, extension_status
from callclock_server.api.routing import ActorOf, CallOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.schemas.fields import Id
from callclock_server.api.transaction import Body
from callclock_server.calls import extension_requests, offers
from callclock_server.storage.database import Transaction

routes = router("Extensions")
_RESPONSES = problems(400, 404, 409, 413, 415)
_OFFER = f"{PATH}/extension_offers/{{offer_id}}"
_REQUESTS = f"{PATH}/extension_requests"
_REQUEST = f"{_REQUESTS}/{{request_id}}"
OfferId = Annotated[Id, Path(description="The offer's id.")]
RequestId = Annotated[Id, Path(description="The request's id.")]


@routes.post(f"{_OFFER}/accept", response_model=answers.OfferAnswer, responses=_RESPONSES)
async def accept_offer(
    request: Request,
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    offer_id: OfferId,
    body: requests.AnswerOfferRequest | None = None,
) -> Response:
    """Agree to an offer: only this moves the deadline. For somebody present with a role that is asked."""

    async def deed(tx: Transaction) -> Body:
        given: dict[str, Any] = body.given() if body else {}
        answer = await offers.accept_offer(tx, by, type=call.type, id=call.id, offer_id=offer_id, **given)
        return {"call": answer.call, "offer": answer.offer, "change": answer.change}

    return await edge.transactions.write(request, by, deed)


@routes.post(f"{_OFFER}/decline", response_model=answers.OfferAnswer, responses=_RESPONSES)
async def decline_offer(
    request: Request,
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    offer_id: OfferId,
    body: requests.AnswerOfferRequest | None = None,
) -> Response:
    """Turn an offer down; whoever may extend takes it back."""

    async def deed(tx: Transaction) -> Body:
        given: dict[str, Any] = body.given() if body else {}
        answer = await offers.decline_offer(tx, by, type=call.type, id=call.id, offer_id=offer_id, **given)
        return {"call": answer.call, "offer": answer.offer, "change": None}

    return await edge.transactions.write(request, by, deed)


@routes.post(_REQUESTS, response_model=answers.RequestAnswer, status_code=201, responses=_RESPONSES)
async def request_extension(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.RequestExtensionRequest
) -> Response:
    """Ask for more time, from within the session."""

    async def deed(tx: Transaction) -> Body:
        answer = await extension_requests.request_extension(
            tx, by, type=call.type, id=call.id, **body.given()
        )
        return {"call": answer.call, "request": answer.request}

    return await edge.transactions.write(request, by, deed, status=201)


@routes.post(
    f"{_REQUEST}/approve",
    response_model=answers.ApprovalAnswer,
    responses={
        **_RESPONSES,
        202: {"model": answers.ApprovalAnswer, "description": "Offered; the other side has to agree."},
    },
)
async def approve_request(
    request: Request,
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    request_id: RequestId,
    body: requests.ApproveRequestRequest | None = None,
) -> Response:
    """Grant a request: one row of the ledger, under the rules of every extension."""

    async def deed(tx: Transaction) -> Body:
        given: dict[str, Any] = body.given() if body else {}
        answer = await extension_requests.approve_request(
            tx, by, type=call.type, id=call.id, request_id=request_id, **given
        )
        return {**extension_body(answer), "request": answer.request}

    return await edge.transactions.write(request, by, deed, status=extension_status)


@routes.post(f"{_REQUEST}/decline", response_model=answers.RequestAnswer, responses=_RESPONSES)
async def decline_request(
    request: Request,
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    request_id: RequestId,
    body: requests.DeclineRequestRequest | None = None,
) -> Response:
    """Turn a request down; who asked takes it back."""

    async def deed(tx: Transaction) -> Body:
        given: dict[str, Any] = body.given() if body else {}
        answer = await extension_requests.decline_request(
            tx, by, type=call.type, id=call.id, request_id=request_id, **given
        )
        return {"call": answer.call, "request": answer.request}

    return await edge.transactions.write(request, by, deed)

"""Joining and leaving a call."""

from __future__ import annotations

import structlog
from fastapi import Request, Response

from callclock_server.api.calls import PATH
from callclock_server.api.routing import ActorOf, CallOf, Edge, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import join, leave
from callclock_server.calls.answers import JoinAnswer
from callclock_server.domain import errors
from callclock_server.media.rooms import MediaUnavailable
from callclock_server.storage.database import Transaction

routes = router("Calls")
log = structlog.get_logger("callclock.media")


@routes.post(
    f"{PATH}/join", response_model=answers.JoinAnswer, responses=problems(400, 404, 409, 413, 415, 503)
)
async def join_call(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.JoinCallRequest | None = None
) -> Response:
    """Join a call; the first join starts the session's clock. `media` is the way into the media room."""
    joined: list[JoinAnswer] = []

    async def deed(tx: Transaction) -> Body:
        given = body.given() if body else {}
        answer = await join.join_call(tx, by, type=call.type, id=call.id, **given)
        joined.append(answer)
        return {
            **answer.as_json(),
            "participant": answer.participant,
            "media": _media(edge, answer, request),
            "created": answer.created,
        }

    response = await edge.transactions.write(request, by, deed)
    if joined and joined[-1].room is not None:
        await _open_room(edge, joined[-1].room)
    return response


@routes.post(f"{PATH}/leave", response_model=answers.CallAnswer, responses=problems(400, 404, 413, 415))
async def leave_call(
    request: Request, edge: EdgeOf, by: ActorOf, call: CallOf, body: requests.LeaveCallRequest | None = None
) -> Response:
    """Leave a call: one participant, one device, or without a body everything of the user."""

    async def deed(tx: Transaction) -> Body:
        given = body.given() if body else {}
        return {"call": (await leave.leave_call(tx, by, type=call.type, id=call.id, **given)).call}

    return await edge.transactions.write(request, by, deed)


def _media(edge: Edge, answer: JoinAnswer, request: Request) -> Body | None:
    if answer.room is None:
        return None
    return edge.media.grant(
        room=answer.room,
        identity=answer.identity,
        user_id=answer.user_id,
        user_name=answer.user_name,
        role=answer.role,
        participant_id=answer.participant["id"],
        sources=answer.sources,
        request_origin=f"{request.url.scheme}://{request.url.netloc}",
        now=edge.token_clock.now(),
    )


async def _open_room(edge: Edge, room: str) -> None:
    """The room has to exist before the client comes: its engine refuses unknown rooms for good.

    The outbox creates it too, and goes on trying; the same device may ask again for the same place.
    """
    try:
        await edge.media.rooms.ensure_room(room)
    except MediaUnavailable as exc:
        log.warning("room_not_opened", room=room, reason=str(exc))
        raise errors.MediaUnavailable from exc

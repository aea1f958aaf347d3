"""Joining and leaving a call."""

from __future__ import annotations

from functools import partial

import structlog
from fastapi import Request, Response

from callclock_server.api.calls import PATH
from callclock_server.api.routing import ActorOf, CallOf, Edge, EdgeOf, problems, router
from callclock_server.api.schemas import answers, requests
from callclock_server.api.transaction import Body
from callclock_server.calls import join, leave
from callclock_server.calls.answers import JoinAnswer
from callclock_server.calls.move import move_session
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
    cluster = edge.media.clusters.next_for_new().name

    async def deed(tx: Transaction) -> Body:
        given = body.given() if body else {}
        answer = await join.join_call(tx, by, type=call.type, id=call.id, media_cluster=cluster, **given)
        joined.append(answer)
        return {
            **answer.as_json(),
            "participant": answer.participant,
            "media": _media(edge, answer, request),
            "created": answer.created,
            "waiting": answer.waiting,
        }

    response = await edge.transactions.write(request, by, deed)
    if joined and joined[-1].room is not None and not await _open_room(edge, joined[-1]):
        if not await _move(edge, joined[-1]):
            raise errors.MediaUnavailable
        response = await edge.transactions.write(request, by, deed, repeat=True)
        if not await _open_room(edge, joined[-1]):
            raise errors.MediaUnavailable
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
        cluster=answer.media_cluster,
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


async def _open_room(edge: Edge, answer: JoinAnswer) -> bool:
    """The room has to exist before the client comes: its engine refuses unknown rooms for good.

    The outbox creates it too, and goes on trying; the same device may ask again for the same place.
    """
    cluster = edge.media.clusters.of(answer.media_cluster)
    try:
        await cluster.rooms.ensure_room(answer.session_id, metadata=answer.room_metadata)
    except MediaUnavailable as exc:
        cluster.answers = False  # until the next look finds it well
        log.warning("room_not_opened", room=answer.session_id, cluster=cluster.name, reason=str(exc))
        return False
    return True


async def _move(edge: Edge, answer: JoinAnswer) -> bool:
    """Take a session that nobody has reached to a cluster that answers."""
    target = edge.media.clusters.next_for_new()
    if not target.usable:
        return False
    move = partial(move_session, session_id=answer.session_id, cluster=target.name)
    return await edge.transactions.database.run(move)

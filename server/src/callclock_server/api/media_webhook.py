"""Where the media engine tells who is in a room. Not part of the public API."""

from __future__ import annotations

from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callclock_server.api.problems import problem_response
from callclock_server.api.routing import Edge
from callclock_server.calls import presence
from callclock_server.domain.errors import InvalidToken
from callclock_server.media.probe import PROBE_PREFIX
from callclock_server.media.rooms import MediaUnavailable
from callclock_server.media.webhooks import (
    MediaJoined,
    MediaLeft,
    Notice,
    RoomStarted,
    WebhookRejected,
    read_webhook,
)
from callclock_server.storage import outbox, sessions
from callclock_server.storage.database import Transaction

PATH = "/v1/media/webhook"
log = structlog.get_logger("callclock.media")


def media_webhook_route(*, api_key: str, api_secret: str) -> Route:
    """The receiver of LiveKit's webhooks, signed with the engine's key."""

    async def receive(request: Request) -> Response:
        edge: Edge = request.app.state.edge
        try:
            notice = read_webhook(
                await request.body(),
                authorization=request.headers.get("authorization", ""),
                api_key=api_key,
                api_secret=api_secret,
                now=edge.token_clock.now(),
            )
        except WebhookRejected as exc:
            log.warning("webhook_rejected", reason=str(exc))
            refusal = InvalidToken(str(exc))
            return problem_response(refusal, now=edge.clock.now(), request_id=request.state.request_id)
        if isinstance(notice, RoomStarted) and notice.room.startswith(PROBE_PREFIX):
            await _answer_probe(edge, notice.room)
        elif notice is not None:
            await edge.transactions.database.run(partial(_take, notice=notice))
        return Response(status_code=204)

    return Route(PATH, receive, methods=["POST"])


async def _answer_probe(edge: Edge, room: str) -> None:
    """Show whoever looks (`media.probe`) that webhooks arrive and that the engine obeys from here."""
    try:
        await edge.media.rooms.delete_room(room)
    except MediaUnavailable as exc:
        log.warning("probe_not_answered", reason=str(exc))


async def _take(tx: Transaction, *, notice: Notice) -> None:
    session = await sessions.get(tx, notice.room)
    if session is None:
        return  # a room of somebody else on the same engine
    if isinstance(notice, MediaJoined):
        await presence.media_joined(
            tx, room=notice.room, identity=notice.identity, sid=notice.participant_sid
        )
    elif isinstance(notice, MediaLeft):
        await presence.media_left(tx, room=notice.room, identity=notice.identity, sid=notice.participant_sid)
    elif not session.running:
        await outbox.add(tx, kind=outbox.ROOM_DELETE, payload={"room": notice.room})

"""Where the media engine tells who is in a room. Not part of the public API."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callclock_server.api.problems import problem_response
from callclock_server.api.routing import Edge
from callclock_server.calls import presence
from callclock_server.domain.errors import InvalidToken
from callclock_server.media.clusters import Cluster, Clusters
from callclock_server.media.probe import PROBE_PREFIX
from callclock_server.media.rooms import MediaUnavailable
from callclock_server.media.webhooks import (
    MediaJoined,
    MediaLeft,
    Notice,
    RoomStarted,
    WebhookRejected,
    is_signed_with,
    read_webhook,
)
from callclock_server.storage import outbox, sessions
from callclock_server.storage.database import Transaction

PATH = "/v1/media/webhook"
log = structlog.get_logger("callclock.media")


def media_webhook_route() -> Route:
    """The receiver of LiveKit's webhooks, each signed with the key of the cluster that sends it."""

    async def receive(request: Request) -> Response:
        edge: Edge = request.app.state.edge
        try:
            senders, notice = _read(
                edge.media.clusters,
                await request.body(),
                request.headers.get("authorization", ""),
                now=edge.token_clock.now(),
            )
        except WebhookRejected as exc:
            log.warning("webhook_rejected", reason=str(exc))
            refusal = InvalidToken(str(exc))
            return problem_response(refusal, now=edge.clock.now(), request_id=request.state.request_id)
        if isinstance(notice, RoomStarted) and notice.room.startswith(PROBE_PREFIX):
            await _answer_probe(senders, notice.room)
        elif notice is not None:
            take = partial(_take, notice=notice, clusters=edge.media.clusters, senders=senders)
            await edge.transactions.database.run(take)
        return Response(status_code=204)

    return Route(PATH, receive, methods=["POST"])


def _read(
    clusters: Clusters, body: bytes, authorization: str, *, now: datetime
) -> tuple[list[Cluster], Notice | None]:
    """Return a verified notice and the clusters that may have sent it: several, where they share a key."""
    senders = [
        cluster
        for cluster in clusters
        if is_signed_with(authorization, cluster.mint.api_key, cluster.mint.api_secret)
    ]
    if not senders:
        raise WebhookRejected("the signature is not ours")
    mint = senders[0].mint
    notice = read_webhook(
        body, authorization=authorization, api_key=mint.api_key, api_secret=mint.api_secret, now=now
    )
    return senders, notice


async def _answer_probe(senders: list[Cluster], room: str) -> None:
    """Show whoever looks (`media.probe`) that webhooks arrive and that the engine obeys from here."""
    for cluster in senders:
        try:
            await cluster.rooms.delete_room(room)
        except MediaUnavailable as exc:
            log.warning("probe_not_answered", cluster=cluster.name, reason=str(exc))


async def _take(tx: Transaction, *, notice: Notice, clusters: Clusters, senders: list[Cluster]) -> None:
    session = await sessions.get(tx, notice.room)
    if session is None:
        return  # a room of somebody else on the same engine
    own = clusters.of(session.media_cluster)
    if own not in senders:
        # The session is elsewhere (it was moved before anybody came): what is here has to go.
        if not isinstance(notice, MediaLeft):
            payload = {"room": notice.room, "cluster": senders[0].name}
            await outbox.add(tx, kind=outbox.ROOM_DELETE, payload=payload)
    elif isinstance(notice, MediaJoined):
        await presence.media_joined(
            tx, room=notice.room, identity=notice.identity, sid=notice.participant_sid, cluster=own.name
        )
    elif isinstance(notice, MediaLeft):
        await presence.media_left(tx, room=notice.room, identity=notice.identity, sid=notice.participant_sid)
    elif not session.running:
        await outbox.add(tx, kind=outbox.ROOM_DELETE, payload={"room": notice.room, "cluster": own.name})

"""What speaks to the media engines, built for the composition root: clusters, loops, the first look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import structlog

from callclock_server.calls import presence
from callclock_server.calls.mirror import describe_room
from callclock_server.media.clusters import EMBEDDED, Cluster, Clusters
from callclock_server.media.probe import Engine, look_at_auto_create, look_at_key
from callclock_server.media.reconciler import Reconciler
from callclock_server.media.rooms import LiveKitRooms
from callclock_server.media.tokens import TokenMint
from callclock_server.settings import Settings, SettingsError
from callclock_server.storage.database import Database
from callclock_server.timekeeping import Clock

log = structlog.get_logger("callclock.media")

FIRST_COMPARISON_SECONDS = 5.0
Run = Callable[[], Awaitable[None]]


async def open_clusters(settings: Settings, stack: AsyncExitStack, *, clock: Clock) -> Clusters:
    """Return the media clusters of the settings; `stack` closes them. Requests are signed by `clock`.

    Each LiveKit is looked at first. One that refuses the key, opens rooms for anybody, or is no LiveKit at
    all is a `SettingsError`. One that does not answer may be on its way: that is said, and it is tried again.
    """
    ttl = timedelta(seconds=settings.media_token_ttl_seconds)
    if settings.embedded_media:
        key, secret = settings.embedded_credentials
        rooms = LiveKitRooms.open(url=settings.loopback_url, api_key=key, api_secret=secret, clock=clock)
        stack.push_async_callback(rooms.close)
        mint = TokenMint(key, secret, ttl)
        return Clusters([Cluster(name=EMBEDDED, url=settings.public_url, rooms=rooms, mint=mint)])
    clusters = []
    for one in settings.livekit_clusters:
        engine = Engine(one.control_url, one.api_key, one.api_secret, clock)
        answers = await _answers(engine)
        rooms = LiveKitRooms.open(
            url=one.control_url, api_key=one.api_key, api_secret=one.api_secret, clock=clock
        )
        stack.push_async_callback(rooms.close)
        mint = TokenMint(one.api_key, one.api_secret, ttl)
        clusters.append(
            Cluster(name=one.name, url=one.url, rooms=rooms, mint=mint, engine=engine, answers=answers)
        )
    return Clusters(clusters)


def reconcilers(settings: Settings, clusters: Clusters, database: Database) -> dict[str, Run]:
    """Return the loop that looks after each cluster, by a name for logs and readiness."""
    names = [cluster.name for cluster in clusters]
    alone = settings.embedded_media or settings.effective_database_url.startswith("sqlite")
    loops: dict[str, Run] = {}
    for index, cluster in enumerate(clusters):
        loops[f"presence {cluster.name}"] = Reconciler(
            database=database,
            cluster=cluster,
            reconcile=presence.reconcile,
            describe=describe_room,
            interval_seconds=settings.reconcile_seconds,
            first_after_seconds=min(FIRST_COMPARISON_SECONDS, settings.reconcile_seconds),
            first=index == 0,
            others=[name for name in names if name != cluster.name],
            shared=not alone,
        ).run
    return loops


async def _answers(engine: Engine) -> bool:
    for look in (look_at_key, look_at_auto_create):
        finding = await look(engine)
        if finding.cause == "unreachable":
            log.warning("livekit_does_not_answer", reason=finding.text)
            return False
        if finding.level == "fail":
            raise SettingsError(f"{finding.text} {finding.remedy}")
    return True

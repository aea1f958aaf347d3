"""All checks, in the order in which one would mend what they find."""

from __future__ import annotations

from callclock_server.cli.checks import configuration, database, hints, media, web
from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.settings import Settings


async def look_at_everything(settings: Settings) -> list[Finding]:
    """Look at everything that these settings name."""
    server = await web.check_server(settings)
    public = await web.check_public_url(settings)
    runs = server.subject == "server" or any(each.subject == "WebSockets" for each in public)
    key = (
        await web.check_key(settings)
        if server.subject == "server" and server.level is not Level.FAIL
        else None
    )
    if key is not None and key.level is Level.FAIL and settings.embedded_media:
        # The embedded engine's key is made from ours: it would refuse it too, in words that help nobody.
        engine: list[Finding] = []
    else:
        engine = await media.check_media(settings, server_runs=runs)
    redis = await hints.check_redis(settings)
    livekit_tls = [
        await web.check_certificate("LiveKit TLS", cluster.url) for cluster in settings.livekit_clusters
    ]
    return [
        Finding(Level.OK, "configuration", "It can be read."),
        configuration.check_keys(settings),
        *configuration.check_parts(settings),
        configuration.check_data_folder(settings),
        *await database.check_database(settings),
        *([redis] if redis else []),
        server,
        *([key] if key else []),
        *public,
        *(each for each in livekit_tls if each is not None),
        *engine,
        configuration.check_web_files(settings),
    ]

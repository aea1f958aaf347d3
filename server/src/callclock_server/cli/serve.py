"""`callclock serve` and `callclock migrate`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from callclock_server.cli.configuration import load_settings
from callclock_server.settings import Settings

HostOption = Annotated[str | None, typer.Option(help="Address to listen on (CALLCLOCK_HOST).")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="HTTP port, 0 takes a free one (CALLCLOCK_PORT).")
]


def serve(host: HostOption = None, port: PortOption = None) -> None:
    """Run the server. Prints one line with its URL when it accepts requests; logs go to standard error."""
    from callclock_server.api.logs import configure_logging
    from callclock_server.app import create_app
    from callclock_server.cli.running import listen, run

    # A free port is known only once it is taken, and the settings want to know it.
    settings = load_settings(host=host, port=port or None)
    configure_logging(settings.log_level)
    listener = listen(settings.host, 0 if port == 0 else settings.port)
    settings = with_port(settings, listener.getsockname()[1])
    try:
        app = create_app(settings)
        run(
            app,
            listener,
            ready=lambda: say(f"Callclock accepts requests at {address(settings)}"),
            drain_seconds=settings.drain_seconds,
        )
    finally:
        listener.close()


def migrate() -> None:
    """Bring the database to the present schema. Safe to repeat."""
    from callclock_server.storage.migrate import migrate as apply
    from callclock_server.storage.migrate import pending

    settings = load_settings()

    async def work() -> bool:
        if settings.database_url is None:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        was_pending = await pending(settings.effective_database_url)
        await apply(settings.effective_database_url)
        return was_pending

    changed = asyncio.run(work())
    say("The database was migrated." if changed else "The database is current; nothing was to be done.")


def with_port(settings: Settings, port: int) -> Settings:
    """The settings with the port that was really taken."""
    values: dict[str, Any] = settings.model_dump()
    return Settings(**values | {"port": port})


def address(settings: Settings) -> str:
    """Where people reach the server."""
    return settings.public_url or settings.loopback_url


def say(line: str) -> None:
    """Print an answer at once, also into a pipe."""
    typer.echo(line)
    typer.get_text_stream("stdout").flush()

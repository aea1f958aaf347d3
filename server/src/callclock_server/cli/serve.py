"""`callclock serve` and `callclock migrate`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from callclock_server.cli.configuration import load_settings
from callclock_server.cli.trouble import Trouble
from callclock_server.settings import Settings
from callclock_server.timekeeping import FakeClock, SystemClock

HostOption = Annotated[str | None, typer.Option(help="Address to listen on (CALLCLOCK_HOST).")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="HTTP port, 0 takes a free one (CALLCLOCK_PORT).")
]


TestClockOption = Annotated[
    bool,
    typer.Option(
        "--test-clock",
        help="For tests: a clock that stands still until it is moved on through the API. Without "
        "CALLCLOCK_DATA_DIR the data is gone with the process.",
    ),
]


EndWithInputOption = Annotated[
    bool,
    typer.Option(
        "--end-with-input",
        help="End when the standard input is closed: the server never outlives the program that started it.",
    ),
]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    test_clock: TestClockOption = False,
    end_with_input: EndWithInputOption = False,
) -> None:
    """Run the server. Prints one line with its URL when it accepts requests; logs go to standard error."""
    if end_with_input:
        threading.Thread(target=stop_at_end_of_input, name="input", daemon=True).start()
    # A free port is known only once it is taken, and the settings want to know it.
    settings = load_settings(host=host, port=port or None)
    if not test_clock:
        serve_with(settings, port=port)
        return
    refuse_production(settings)
    with tempfile.TemporaryDirectory(prefix="callclock-") as folder:
        if not settings.model_fields_set & {"data_dir", "database_url"}:
            settings = with_values(settings, data_dir=Path(folder))
        serve_with(settings, port=port, test_clock=FakeClock(SystemClock().now().replace(microsecond=0)))


def stop_at_end_of_input() -> None:
    """Wait until nobody holds the other end of the standard input, then ask this process to stop."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def refuse_production(settings: Settings) -> None:
    """Raise `Trouble` where people depend on the server: their calls would never end by themselves."""
    if settings.production_sign is not None:
        raise Trouble(
            f"--test-clock is refused, because this looks like production: {settings.production_sign}.",
            "Start it without --test-clock, or with settings of a test.",
        )


def serve_with(settings: Settings, *, port: int | None, test_clock: FakeClock | None = None) -> None:
    """Run the server on `port` (0 takes a free one, None the configured one) until a signal comes."""
    from callclock_server.api.logs import configure_logging
    from callclock_server.app import create_app
    from callclock_server.cli.running import listen, run

    configure_logging(settings.log_level)
    listener = listen(settings.host, 0 if port == 0 else settings.port)
    settings = with_values(settings, port=listener.getsockname()[1])
    try:
        app = create_app(settings, test_clock=test_clock)
        run(
            app,
            listener,
            ready=lambda: say(announcement(settings, test_clock)),
            drain_seconds=settings.drain_seconds,
        )
    finally:
        listener.close()


def migrate() -> None:
    """Bring the database to the present schema. Safe to repeat, and while servers run."""
    from callclock_server.storage.migrate import Standing, standing_of
    from callclock_server.storage.migrate import migrate as apply

    settings = load_settings()

    async def work() -> Standing:
        if settings.database_url is None:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        before = await standing_of(settings.effective_database_url)
        await apply(settings.effective_database_url)
        return before

    said = {
        Standing.OLD: "The database was migrated.",
        Standing.CURRENT: "The database is current; nothing was to be done.",
        Standing.NEWER: "The database's schema is that of a later version; nothing was done.",
    }
    say(said[asyncio.run(work())])


def with_values(settings: Settings, **values: Any) -> Settings:
    """The settings with other values."""
    return Settings(**settings.model_dump() | values)


def announcement(settings: Settings, test_clock: FakeClock | None) -> str:
    """The one line that tells where the server is."""
    line = f"Callclock accepts requests at {address(settings)}"
    return line if test_clock is None else f"{line} (its test clock stands at {test_clock.now():%FT%TZ})"


def address(settings: Settings) -> str:
    """Where people reach the server."""
    return settings.public_url or settings.loopback_url


def say(line: str) -> None:
    """Print an answer at once, also into a pipe."""
    typer.echo(line)
    typer.get_text_stream("stdout").flush()

"""`callclock demo`: a call for two on this machine, with nothing prepared."""

from __future__ import annotations

import os
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from callclock_server.cli.serve import address, say, with_values
from callclock_server.settings import PREFIX, Settings

# The demo must never touch a database or keys that are configured for something else.
TAKEN_FROM_ENVIRONMENT = ("PUBLIC_URL", "MEDIA_HOST", "MEDIA_PORT", "MEDIA_ADDRESSES", "WEB_DIR", "LOG_LEVEL")
DEFAULT_PORT = 8000


def demo(
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="Length of the appointment.")] = 60,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="HTTP port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="Address to listen on. The demo hands out tokens.")] = "127.0.0.1",
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path("data/demo"),
    fair: Annotated[
        bool, typer.Option("--fair", help="Show the rules of paid time: start, pause, overtime, consent.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the demo's page in a browser.")] = False,
) -> None:
    """A call for two on this machine: everything embedded, one link for each user."""
    from callclock_server.api.logs import configure_logging
    from callclock_server.cli.running import listen, run
    from callclock_server.demo.application import build_demo
    from callclock_server.demo.appointment import Opening
    from callclock_server.demo.folder import read_or_make_keys

    settings = _settings(host=host, port=port, data_dir=data_dir)
    configure_logging(settings.log_level)
    with listen(host, port) as listener:
        settings = settings.model_copy(update={"keys": read_or_make_keys(data_dir)})
        settings = with_values(settings, port=listener.getsockname()[1])
        built = build_demo(settings)
        opening = Opening.NEW

        async def prepare() -> None:
            nonlocal opening
            opening = await built.appointments.prepare(limit_seconds=round(minutes * 60), fair=fair)

        def ready() -> None:
            _tell(address(settings), opening, minutes=minutes, fair=fair, data_dir=data_dir)
            if not built.web_is_built:
                say("The web app is not built: run `make web`, then start the demo again.")
            if browser:
                threading.Thread(target=webbrowser.open, args=(address(settings),), daemon=True).start()

        run(built.app, listener, prepare=prepare, ready=ready, drain_seconds=settings.drain_seconds)


def _tell(url: str, opening: object, *, minutes: float, fair: bool, data_dir: Path) -> None:
    from callclock_server.demo.appointment import PEOPLE, Opening

    first = {
        Opening.NEW: f"An appointment of {minutes:g} minutes is ready.",
        Opening.KEPT: "The appointment of the last time is kept, with its clock.",
        Opening.RENEWED: f"The last appointment has ended; a new one of {minutes:g} minutes is ready.",
    }[Opening(opening)]
    say(f"{first} Open each link in a window of its own:\n")
    for person in PEOPLE:
        say(f"  {person.name + ', ' + person.role:<34} {url}/demo/{person.id}")
    if fair:
        say("\nIt has the rules of paid time; the page below says what to try.")
    else:
        say("\n`make demo FAIR=1` (`callclock demo --fair`) shows the rules of paid time.")
    say(f"\nBoth links, the clock and a fresh start: {url}/")
    say(f"Stop with Ctrl+C. The data stays in {data_dir}.")


def _settings(*, host: str, port: int, data_dir: Path) -> Settings:
    chosen = {PREFIX + name for name in TAKEN_FROM_ENVIRONMENT}
    environ = {name: value for name, value in os.environ.items() if name in chosen}
    environ.setdefault(PREFIX + "LOG_LEVEL", "warning")
    return Settings.load(environ=environ, host=host, port=port or DEFAULT_PORT, data_dir=data_dir)

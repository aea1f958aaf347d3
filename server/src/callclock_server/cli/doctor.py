"""`callclock doctor`: says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from callclock_server.cli.configuration import load_settings
from callclock_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from callclock_server.cli.checks import Finding


def doctor() -> None:
    """Look at the configuration, the database, the ports and the clock. Fails when something is broken."""
    from callclock_server.cli.checks import Finding, Level

    console = Console(highlight=False)
    try:
        settings = load_settings()
    except SettingsError as exc:
        remedy = "Correct it in the environment or the settings file."
        findings = [Finding(Level.FAIL, "configuration", str(exc), remedy)]
    else:
        findings = asyncio.run(_look(settings))
    styles = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
    table = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n{finding.remedy}", style="dim")
        table.add_row(Text(finding.level.value, style=styles[finding.level]), finding.subject, text)
    console.print(table)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


async def _look(settings: Settings) -> list[Finding]:
    from callclock_server.cli import checks

    server = await checks.check_server(settings)
    runs = server.subject == "server"
    public = await checks.check_public_url(settings)
    return [
        checks.Finding(checks.Level.OK, "configuration", "It can be read."),
        checks.check_keys(settings),
        checks.check_data_folder(settings),
        await checks.check_database(settings),
        server,
        *([public] if public else []),
        checks.check_media_port(settings, server_runs=runs),
        checks.check_web_files(settings),
    ]

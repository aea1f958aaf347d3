"""`callclock doctor`: says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from callclock_server.cli.configuration import load_settings
from callclock_server.settings import SettingsError


def doctor() -> None:
    """Try everything that the configuration names: database, Redis, media, addresses, clocks.

    Says what is wrong and how to mend it. Fails when something is broken.
    """
    from callclock_server.cli.checks import Finding, Level, look_at_everything

    console = Console(highlight=False)
    try:
        settings = load_settings()
    except SettingsError as exc:
        remedy = "Correct it in the environment or the settings file."
        findings = [Finding(Level.FAIL, "configuration", str(exc), remedy)]
    else:
        findings = asyncio.run(look_at_everything(settings))
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

"""`callclock backup`: a copy of the embedded database, while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callclock_server.cli.configuration import load_settings
from callclock_server.cli.trouble import Trouble

FileArgument = Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]


def backup(file: FileArgument) -> None:
    """Copy the SQLite database into a file, while the server works on it."""
    from callclock_server.storage.backup import BackupFailed
    from callclock_server.storage.backup import backup as copy

    settings = load_settings()
    try:
        size = copy(settings.effective_database_url, file)
    except BackupFailed as exc:
        raise Trouble(str(exc), "docs/how-to/backup.md says how to back up and restore.") from exc
    typer.echo(f"{file} holds the database, {size / 1e6:.1f} MB, checked.")

"""Copies a SQLite database while servers work on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .engine import async_url

_PAGES_PER_STEP = 1024


class BackupFailed(Exception):
    """The copy was not made; the message says why, in one sentence."""


def backup(url: str, file: Path) -> int:
    """Write the whole database as it is at one moment into `file`; return its size in bytes.

    Writers go on meanwhile. The copy appears under its name only when it is complete and was checked.
    Raises `BackupFailed`.
    """
    parsed = async_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise BackupFailed("The database is a PostgreSQL, which has its own program for this: pg_dump.")
    if not Path(parsed.database).is_file():
        raise BackupFailed(f"There is no database at {parsed.database}.")
    if file.exists():
        raise BackupFailed(f"{file} exists already.")
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        _copy(Path(parsed.database), unfinished)
        unfinished.rename(file)
    except (sqlite3.Error, OSError) as exc:
        raise BackupFailed(f"{file} cannot be written: {exc}.") from exc
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def _copy(database: Path, file: Path) -> None:
    file.unlink(missing_ok=True)
    # For the owner alone, whatever the umask says: who met whom, when and for how long is in it.
    file.touch(mode=0o600, exist_ok=False)
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    target = sqlite3.connect(file)
    try:
        # A transaction that only reads: every step copies from the same moment, and writers need not wait.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(target, pages=_PAGES_PER_STEP)
        # One file, without a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
    finally:
        source.close()
        target.close()

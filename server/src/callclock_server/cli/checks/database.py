"""The database: reachable, migrated, in time, with connections to spare; and who else works on it."""

from __future__ import annotations

from pathlib import Path

from callclock_server.cli.checks.finding import Finding, Level
from callclock_server.settings import Settings
from callclock_server.storage.availability import DatabaseUnusable, opening
from callclock_server.storage.engine import async_url
from callclock_server.storage.look import Connections, DatabaseLook, Node, look
from callclock_server.storage.migrate import Standing
from callclock_server.timekeeping import SystemClock

CLOCK_DIFFERENCE_SECONDS = 0.5
SILENT_SECONDS = 10.0


async def check_database(settings: Settings) -> list[Finding]:
    """What can be said of the database; the first line says whether it can be used at all."""
    url = settings.effective_database_url
    try:
        if _is_missing_file(url):
            return [Finding(Level.OK, "database", "It will be made at the first start.")]
        found = await look(url, clock=SystemClock(), pool_size=settings.database_pool_size)
    except DatabaseUnusable as exc:
        return [Finding(Level.FAIL, "database", exc.sentence, exc.remedy)]
    return [
        _schema(found.standing, settings),
        *([_clock(found.ahead_seconds)] if found.ahead_seconds is not None else []),
        *([_connections(found.connections, found)] if found.connections is not None else []),
        *([_nodes(found.nodes)] if settings.has_others and found.standing is not Standing.OLD else []),
    ]


def _is_missing_file(url: str) -> bool:
    """Whether it is a SQLite file that is not there yet: looking at it would make it."""
    with opening(url):
        parsed = async_url(url)
    file = parsed.database if parsed.get_backend_name() == "sqlite" else None
    return bool(file) and file != ":memory:" and not Path(str(file)).exists()


def _schema(standing: Standing, settings: Settings) -> Finding:
    if standing is Standing.CURRENT:
        return Finding(Level.OK, "database", "It answers and its schema is current.")
    if standing is Standing.NEWER:
        text = "A later version has migrated its schema; this one goes on working with it."
        return Finding(Level.WARN, "database", text, "Upgrade this process too.")
    if settings.migrates_at_start:
        return Finding(Level.WARN, "database", "Its schema is old; the next start migrates it.")
    return Finding(Level.FAIL, "database", "Its schema is old.", "Run `callclock migrate`.")


def _clock(ahead_seconds: float) -> Finding:
    text = (
        f"The database's clock, which decides, differs from this machine's by {ahead_seconds * 1000:+.0f} ms."
    )
    if abs(ahead_seconds) <= CLOCK_DIFFERENCE_SECONDS:
        return Finding(Level.OK, "clock", text)
    return Finding(Level.WARN, "clock", text, "Let all machines keep time by NTP.")


def _connections(found: Connections, look: DatabaseLook) -> Finding:
    wanted = found.per_node * max(len(look.nodes), 1)
    text = (
        f"PostgreSQL allows {found.allowed} connections, {found.taken} are taken; "
        f"{max(len(look.nodes), 1)} processes may take {wanted}."
    )
    if wanted + found.per_node <= found.allowed:
        return Finding(Level.OK, "connections", text)
    remedy = "Raise max_connections in PostgreSQL, or run fewer processes: an upgrade runs one more of them."
    return Finding(Level.WARN, "connections", text, remedy)


def _nodes(found: tuple[Node, ...]) -> Finding:
    silent = [node.id for node in found if node.silent_seconds > SILENT_SECONDS]
    if silent:
        text = f"{len(found)} processes are noted; not heard of lately: {', '.join(silent)}."
        return Finding(Level.WARN, "nodes", text, "If one of them should run, look at its log.")
    return Finding(Level.OK, "nodes", f"{len(found)} processes work on this database.")

"""Rows that were prepared before they are due, and written only if nothing has changed (PostgreSQL alone).

The version of a row is PostgreSQL's own: `xmin`, the transaction that wrote it. Every write gives a row
another one, whoever makes it and with whatever release of this software; there is no counter that a statement
could forget to raise.

`write` takes the locks that the package describes, passing over calls that somebody else has, compares the
versions under them, and writes with a handful of statements, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callclock_server.domain.call import Call
from callclock_server.domain.session import Participant, Session

from . import calls, events, outbox, participants, sessions, tables
from .bulk import array_type, arrays, conversion, taken
from .database import Transaction
from .events import NewEvent

Version = int


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A running session with an alarm ahead, and the versions of the rows that its settlement starts from."""

    cid: str
    session_id: str
    alarm_at: datetime
    session_version: Version
    call_version: Version


class _Part:
    """What is prepared of one table: its key, and values as the driver takes them."""

    def __init__(self, table: sa.Table, key: str, names: Sequence[str]) -> None:
        self.table = table
        self.key = key
        self.names = tuple(names)
        self._conversions: list[Any] | None = None

    def values(self, row: dict[str, Any], tx: Transaction) -> tuple[Any, ...]:
        """Return the row's changing columns, converted."""
        if self._conversions is None:
            dialect = tx.connection.dialect
            self._conversions = [conversion(self.table.c[name], dialect) for name in self.names]
        return tuple(
            row[name] if convert is None else convert(row[name])
            for name, convert in zip(self.names, self._conversions, strict=True)
        )


_SESSION = _Part(tables.sessions, "id", sessions.CHANGING)
_PARTICIPANT = _Part(tables.participants, "id", participants.CHANGING)
_CALL = _Part(tables.calls, "cid", calls.CHANGING)


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be: its key, the columns that can change, and which of them differ from what is stored."""

    key: str
    values: tuple[Any, ...]
    changed: frozenset[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that one session's alarm will write, if the versions still hold then."""

    of: Upcoming
    ends: bool
    next_alarm_at: datetime | None
    session: Row
    call: Row
    participants: tuple[Row, ...]
    events: tuple[NewEvent, ...]
    effects: tuple[dict[str, Any], ...]
    # Users and the call type stand in the events.
    users: tuple[tuple[str, Version], ...]
    call_type: tuple[str, Version]


def session_row(tx: Transaction, new: Session, old: Session) -> Row:
    """Return the row of a changed session."""
    return _row(_SESSION, tx, sessions.to_row(new), sessions.to_row(old))


def call_row(tx: Transaction, new: Call, old: Call) -> Row:
    """Return the row of a changed call."""
    return _row(_CALL, tx, calls.to_row(new), calls.to_row(old))


def participant_row(tx: Transaction, new: Participant, old: Participant) -> Row:
    """Return the row of a changed participant."""
    return _row(_PARTICIPANT, tx, participants.to_row(new), participants.to_row(old))


def _row(part: _Part, tx: Transaction, new: dict[str, Any], old: dict[str, Any]) -> Row:
    changed = frozenset(place for place, name in enumerate(part.names) if new[name] != old[name])
    return Row(new[part.key], part.values(new, tx), changed)


# -- reading ahead -------------------------------------------------------------------------------------------

_UPCOMING = (
    sa.select(
        tables.sessions.c.cid,
        tables.sessions.c.id,
        tables.sessions.c.next_alarm_at,
        sa.literal_column("sessions.xmin"),
        sa.literal_column("calls.xmin"),
    )
    .select_from(tables.sessions.join(tables.calls, tables.calls.c.cid == tables.sessions.c.cid))
    .where(tables.sessions.c.ended_at.is_(None))
)
_UNTIL = (
    _UPCOMING.where(tables.sessions.c.next_alarm_at <= sa.bindparam("until"))
    .order_by(tables.sessions.c.next_alarm_at)
    .limit(sa.bindparam("limit"))
)
_OF = _UPCOMING.where(tables.sessions.c.cid == sa.func.any(sa.bindparam("cids", type_=sa.ARRAY(sa.Text))))


async def upcoming(tx: Transaction, *, until: datetime, limit: int) -> list[Upcoming]:
    """Return up to `limit` running sessions whose alarm comes by `until`, the earliest first."""
    return [_upcoming(row) for row in await tx.all(_UNTIL, {"until": until, "limit": limit})]


async def standing(tx: Transaction, cids: Collection[str]) -> list[Upcoming]:
    """Return the same for the running sessions of these calls, as this transaction sees them."""
    found = [_upcoming(row) for row in await tx.all(_OF, {"cids": list(cids)})]
    return [one for one in found if one.alarm_at is not None]


def _upcoming(row: Any) -> Upcoming:
    return Upcoming(*row)


async def versions(tx: Transaction, table: sa.Table, keys: Collection[str]) -> dict[str, Version]:
    """Return the versions of rows of `users` (by id) or `call_types` (by name)."""
    (key,) = table.primary_key.columns
    query = sa.select(key, sa.literal_column(f"{table.name}.xmin")).where(key.in_(list(keys)))
    rows: Sequence[Any] = await tx.all(query)
    return {row[0]: row[1] for row in rows}


# -- writing -------------------------------------------------------------------------------------------------

# One trip for both: each costs as much as writing dozens of rows. Users and call types are not locked by
# anybody who ends a call; they are shown as they are when the calls are taken.
_CLAIM = """
WITH locked AS (
    SELECT c.cid FROM calls c JOIN unnest($1::text[], $2::xid[]) AS n(cid, version) ON c.cid = n.cid
    WHERE c.xmin = n.version FOR NO KEY UPDATE OF c SKIP LOCKED
)
SELECT 'call' AS what, cid AS id FROM locked
UNION ALL
SELECT 'user', n.id FROM unnest($3::text[], $4::xid[]) AS n(id, version)
LEFT JOIN users u ON u.id = n.id WHERE u.xmin IS DISTINCT FROM n.version
UNION ALL
SELECT 'type', n.name FROM unnest($5::text[], $6::xid[]) AS n(name, version)
LEFT JOIN call_types t ON t.name = n.name WHERE t.xmin IS DISTINCT FROM n.version
"""


async def write(tx: Transaction, batch: Sequence[Prepared]) -> list[Prepared]:
    """Write what was prepared for sessions whose rows are as they were then; return which those are.

    The others are left alone: they were changed meanwhile, or somebody has them locked.
    """
    if not batch:
        return []
    ready = await _write_sessions(tx, await _claim(tx, batch))
    if not ready:
        return []
    await _write_the_rest(tx, ready)
    for one in ready:
        tx.hint.alarm(one.next_alarm_at)
    await events.append(tx, [event for one in ready for event in one.events])
    await outbox.add_all(tx, [effect for one in ready for effect in one.effects])
    return ready


async def _claim(tx: Transaction, batch: Sequence[Prepared]) -> list[Prepared]:
    """Lock the calls that are still what they were, and leave out what shows users or types of before."""
    calls_then = [(one.of.cid, one.of.call_version) for one in batch]
    users_then = {pair for one in batch for pair in one.users}
    types_then = {one.call_type for one in batch}
    parameters = (*_unzipped(calls_then), *_unzipped(users_then), *_unzipped(types_then))
    locked: set[str] = set()
    outdated: dict[str, set[str]] = {"user": set(), "type": set()}
    found: Sequence[Any] = (await tx.connection.exec_driver_sql(_CLAIM, parameters)).all()
    for what, id_ in found:
        (locked if what == "call" else outdated[what]).add(id_)
    tx.lock_taken()
    return [
        one
        for one in batch
        if one.of.cid in locked
        and one.call_type[0] not in outdated["type"]
        and not (outdated["user"] and any(user_id in outdated["user"] for user_id, _ in one.users))
    ]


def _unzipped(pairs: Collection[tuple[str, Version]]) -> tuple[list[str], list[Version]]:
    return [key for key, _ in pairs], [version for _, version in pairs]


async def _write_sessions(tx: Transaction, batch: list[Prepared]) -> list[Prepared]:
    """Write the sessions whose version holds; return which those are.

    A change of the session alone, a lost connection for instance, leaves the call its version.
    """
    if not batch:
        return []
    parameters: list[list[Any]] = [[one.of.session_version for one in batch]]
    source, sets = _source(tx, _SESSION, [one.session for one in batch], parameters, ("version XID",))
    where = "t.id = n.id AND t.xmin = n.version"
    statement = f"UPDATE sessions AS t SET {sets} FROM {source} WHERE {where} RETURNING t.cid"  # noqa: S608
    rows = await tx.connection.exec_driver_sql(statement, tuple(parameters))
    written = {row[0] for row in rows}
    return [one for one in batch if one.of.cid in written]


async def _write_the_rest(tx: Transaction, batch: list[Prepared]) -> None:
    """Write calls and participants in one go."""
    parameters: list[list[Any]] = []
    parts = []
    for part, rows in (
        (_CALL, [one.call for one in batch]),
        (_PARTICIPANT, [row for one in batch for row in one.participants]),
    ):
        source, sets = _source(tx, part, rows, parameters)
        if sets:
            where = f"t.{part.key} = n.{part.key}"
            parts.append(f"UPDATE {part.table.name} AS t SET {sets} FROM {source} WHERE {where}")  # noqa: S608
    if parts:
        statement = parts[0] if len(parts) == 1 else f"WITH others AS ({parts[1]}) {parts[0]}"
        await tx.connection.exec_driver_sql(statement, tuple(parameters))


def _source(
    tx: Transaction,
    part: _Part,
    rows: list[Row],
    parameters: list[list[Any]],
    before: tuple[str, ...] = (),
) -> tuple[str, str]:
    """Return `unnest(...) AS n(...)` and the assignments of what changes in any row; add the parameters.

    `before` names the columns whose parameters are there already. Returns nothing where nothing changes.
    """
    places = sorted(frozenset[int]().union(*(row.changed for row in rows)))
    if not places:
        return "", ""
    dialect = tx.connection.dialect
    columns = [part.table.c[part.names[place]] for place in places]
    kinds = [*before, f"{part.key} TEXT", *(f"{c.name} {array_type(c, dialect)}" for c in columns)]
    first = len(parameters) + 1 - len(before)
    values = list(zip(*(row.values for row in rows), strict=True))
    parameters += [[row.key for row in rows], *(list(values[place]) for place in places)]
    return arrays(kinds, first=first), ", ".join(f"{c.name} = {taken(c)}" for c in columns)

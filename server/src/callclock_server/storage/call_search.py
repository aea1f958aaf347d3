"""Search among calls: who may see what, filters, order, and where a page begins, all in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from . import dialect
from .database import Transaction
from .tables import calls, members, sessions
from .types import from_microseconds, to_microseconds

_RUNNING = sessions.c.ended_at.is_(None)
_FROM = calls.outerjoin(sessions, sa.and_(sessions.c.cid == calls.c.cid, _RUNNING))
_LAST = datetime(9999, 12, 31, tzinfo=UTC)

COLUMNS: dict[str, sa.ColumnElement[Any]] = {
    "cid": calls.c.cid,
    "type": calls.c.type,
    "created_by": calls.c.created_by_id,
    "created_at": calls.c.created_at,
    "starts_at": calls.c.starts_at,
    "ended_at": calls.c.ended_at,
    "timer_ends_at": sessions.c.timer_ends_at,
}
_OPERATORS: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "$eq": lambda column, value: column.is_(None) if value is None else column == value,
    "$gt": lambda column, value: column > value,
    "$gte": lambda column, value: column >= value,
    "$lt": lambda column, value: column < value,
    "$lte": lambda column, value: column <= value,
    "$in": lambda column, value: column.in_(value),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """Which calls somebody may see: all, or those of open types and those where they are a member.

    `role_types` are the types that the user's own role lets a member read; `member_roles` are pairs of type
    and member role that do.
    """

    user_id: str
    open_types: frozenset[str]
    role_types: frozenset[str]
    member_roles: frozenset[tuple[str, str]]


@dataclass(slots=True)
class Search:
    """A search in words of SQL: conditions, and the order as (field, descending)."""

    conditions: list[sa.ColumnElement[bool]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)

    def compare(self, name: str, operator: str, value: Any) -> None:
        """Ask that a column of `COLUMNS` compares with `value`."""
        self.conditions.append(_OPERATORS[operator](COLUMNS[name], value))

    def ongoing(self, *, wanted: bool) -> None:
        """Ask for calls with a running session, or without."""
        self.conditions.append(sessions.c.id.is_not(None) if wanted else sessions.c.id.is_(None))

    def ended(self, *, wanted: bool) -> None:
        """Ask for calls that have ended, or have not."""
        self.conditions.append(calls.c.ended_at.is_not(None) if wanted else calls.c.ended_at.is_(None))

    def with_members(self, user_ids: Collection[str]) -> None:
        """Ask for calls where at least one of these is a member."""
        theirs = sa.exists().where(members.c.cid == calls.c.cid, members.c.user_id.in_(list(user_ids)))
        self.conditions.append(theirs)

    def custom(self, key: str, operator: str, value: Any) -> None:
        """Ask that a top-level key of the custom data compares with a text, a number or a truth value."""
        element = calls.c.custom[key]
        sample = value[0] if operator == "$in" else value
        column: sa.ColumnElement[Any]
        if sample is None:
            column = element.as_string()
        elif isinstance(sample, bool):
            column = dialect.json_where(element, dialect.TRUTH, element.as_boolean())
        elif isinstance(sample, int | float):
            column = dialect.json_where(element, dialect.NUMBER, element.as_float())
        else:
            column = dialect.json_where(element, dialect.TEXT, element.as_string())
        self.conditions.append(_OPERATORS[operator](column, value))

    def seen_by(self, sight: Sight, *, cids: Collection[str] | None) -> None:
        """Leave out what somebody may not see; `cids` limits it further."""
        own = sa.and_(members.c.cid == calls.c.cid, members.c.user_id == sight.user_id)
        reads: list[sa.ColumnElement[bool]] = [calls.c.type.in_(sorted(sight.role_types))]
        reads += [
            sa.and_(calls.c.type == call_type, members.c.role == role)
            for call_type, role in sorted(sight.member_roles)
        ]
        seen = sa.or_(calls.c.type.in_(sorted(sight.open_types)), sa.exists().where(own, sa.or_(*reads)))
        self.conditions.append(seen)
        if cids is not None:
            self.conditions.append(calls.c.cid.in_(sorted(cids)))

    def after(self, values: Sequence[int], cid: str) -> None:
        """Begin after the row with these sort values."""
        keys = [*(_sort_key(name, descending=down) for name, down in self.order), calls.c.cid]
        downs = [*(down for _, down in self.order), False]
        moments: list[Any] = [
            sa.literal(from_microseconds(value), calls.c.created_at.type) for value in values
        ]
        bounds = [*moments, sa.literal(cid)]
        alternatives = []
        for place, (key, bound, down) in enumerate(zip(keys, bounds, downs, strict=True)):
            ties = [key == bound for key, bound in zip(keys[:place], bounds[:place], strict=True)]
            alternatives.append(sa.and_(*ties, key < bound if down else key > bound))
        self.conditions.append(sa.or_(*alternatives))


def _sort_key(name: str, *, descending: bool) -> sa.ColumnElement[Any]:
    """Return the column with what is missing put last, in both directions."""
    column = COLUMNS[name]
    absent = from_microseconds(0) if descending else _LAST
    return sa.func.coalesce(column, sa.literal(absent, calls.c.created_at.type))


async def find(tx: Transaction, search: Search, *, limit: int) -> list[tuple[str, list[int]]]:
    """Return up to `limit` cids in order, each with its sort values for a cursor."""
    keys = [_sort_key(name, descending=down) for name, down in search.order]
    order = [key.desc() if down else key.asc() for key, (_, down) in zip(keys, search.order, strict=True)]
    labelled = [key.label(f"key_{place}") for place, key in enumerate(keys)]
    select = sa.select(calls.c.cid, *labelled).select_from(_FROM).where(sa.true(), *search.conditions)
    rows: Sequence[Any] = await tx.all(select.order_by(*order, calls.c.cid.asc()).limit(limit))
    return [(row[0], [to_microseconds(value) for value in row[1:]]) for row in rows]

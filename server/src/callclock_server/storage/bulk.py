"""Statements that run for many rows at once: compiled once, parameters made ready without ceremony.

SQLAlchemy prepares each row of an executemany anew; for the rows of a top of the hour that was a third of the
sweeper's time. A `Bulk` asks it for the column types' conversions once, and then only applies them. On
PostgreSQL all rows are one statement: the columns go over as arrays (`unnest`), and the server plans once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from .database import Transaction

_Conversion = Callable[[Any], Any]
Rows = Sequence[Mapping[str, Any]]
Part = tuple["Bulk", Rows]
"""A statement and the rows it is to run for."""


class Bulk:
    """An INSERT, or an UPDATE by key, of `table` for rows given as mappings.

    With `key`, rows update the columns of `names` where `key` matches; without, they insert them.
    """

    def __init__(self, table: sa.Table, names: Sequence[str], *, key: str | None = None) -> None:
        self._table = table
        self._names = tuple(names)
        self._key = key
        self._one_by_one: _OneByOne | None = None
        self._all_at_once: _AllAtOnce | None = None

    @property
    def table(self) -> str:
        """The name of the table that it writes to."""
        return self._table.name

    async def run(self, tx: Transaction, rows: Rows) -> None:
        """Run the statement for every row; nothing for none."""
        if not rows:
            return
        if tx.dialect == "postgresql":
            await _run_at_once(tx, [(self, rows)])
            return
        if self._one_by_one is None:
            self._one_by_one = _OneByOne(self._table, self._names, self._key, tx.connection.dialect)
        ready = self._one_by_one
        await tx.connection.exec_driver_sql(ready.statement, ready.parameters(rows))

    def at_once(self, dialect: Dialect) -> _AllAtOnce:
        """Return the statement over arrays."""
        if self._all_at_once is None:
            self._all_at_once = _AllAtOnce(self._table, self._names, self._key, dialect)
        return self._all_at_once


async def run_together(tx: Transaction, parts: Sequence[Part]) -> None:
    """Run several statements in this order; on PostgreSQL in one trip where the tables differ.

    Statements on one table stay apart: within one trip none sees what another wrote, and what frees a place
    under a unique index must come before what takes it.
    """
    if tx.dialect != "postgresql":
        for bulk, rows in parts:
            await bulk.run(tx, rows)
        return
    waiting: list[Part] = []
    for part in parts:
        if not part[1]:
            continue
        if any(part[0].table == bulk.table for bulk, _ in waiting):
            await _run_at_once(tx, waiting)
            waiting = []
        waiting.append(part)
    if waiting:
        await _run_at_once(tx, waiting)


_TOGETHER: dict[tuple[Bulk, ...], str] = {}


async def _run_at_once(tx: Transaction, parts: Sequence[Part]) -> None:
    dialect = tx.connection.dialect
    bulks = tuple(bulk for bulk, _ in parts)
    statement = _TOGETHER.get(bulks)
    if statement is None:
        statement = _TOGETHER[bulks] = _joined([bulk.at_once(dialect) for bulk in bulks])
    values = [column for bulk, rows in parts for column in bulk.at_once(dialect).parameters(rows)]
    await tx.fetch(statement, values)


def _joined(all_of_them: Sequence[_AllAtOnce]) -> str:
    statements, first = [], 1
    for one in all_of_them:
        statements.append(one.statement(first))
        first += one.width
    *others, last = statements
    named = [f"part_{place} AS ({statement})" for place, statement in enumerate(others)]
    return f"WITH {', '.join(named)} {last}" if named else last


class _OneByOne:
    """An executemany."""

    def __init__(self, table: sa.Table, names: Sequence[str], key: str | None, dialect: Dialect) -> None:
        compiled = _statement(table, names, key).compile(dialect=dialect)
        order = [name.removeprefix("row_") for name in compiled.positiontup or ()]
        self.statement = str(compiled)
        self._pick = itemgetter(*order)
        self._conversions: list[tuple[int, _Conversion]] = []
        for place, name in enumerate(order):
            convert = conversion(table.c[name], dialect)
            if convert is not None:
                self._conversions.append((place, convert))

    def parameters(self, rows: Rows) -> list[tuple[Any, ...]]:
        """Return a tuple for each row."""
        ready: list[tuple[Any, ...]] = []
        for row in rows:
            values = list(self._pick(row))
            for place, convert in self._conversions:
                values[place] = convert(values[place])
            ready.append(tuple(values))
        return ready


class _AllAtOnce:
    """One statement over arrays."""

    def __init__(self, table: sa.Table, names: Sequence[str], key: str | None, dialect: Dialect) -> None:
        order = [*([key] if key is not None else []), *names]
        self._columns = [(name, conversion(table.c[name], dialect)) for name in order]
        self._source = [f"{name} {array_type(table.c[name], dialect)}" for name in order]
        self._table, self._names, self._key = table, names, key
        self.width = len(order)

    def statement(self, first: int) -> str:
        """Return the SQL, its parameters counted from `first` on."""
        return _set_based(self._table, self._names, self._key, arrays(self._source, first=first))

    def parameters(self, rows: Rows) -> tuple[list[Any], ...]:
        """Return an array for each column."""
        return tuple(column_values(rows, name, convert) for name, convert in self._columns)


def conversion(column: sa.Column[Any], dialect: Dialect) -> _Conversion | None:
    """Return what turns a value of the column into what the driver takes; None when nothing must."""
    convert: _Conversion | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def column_values(rows: Rows, name: str, convert: _Conversion | None) -> list[Any]:
    """Return one column of the rows, converted."""
    if convert is None:
        return [row[name] for row in rows]
    return [convert(row[name]) for row in rows]


def array_type(column: sa.Column[Any], dialect: Dialect) -> str:
    """Return the type under which values of the column travel in an array: JSON as text."""
    return "TEXT" if isinstance(column.type, sa.JSON) else column.type.compile(dialect)


def arrays(columns: Sequence[str], *, first: int = 1) -> str:
    """Return `unnest($1::TEXT[], ...) AS n(name, ...)` for columns `name TEXT`, from parameter `first` on."""
    names, kinds = zip(*(column.split(" ", 1) for column in columns), strict=True)
    places = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(kinds, start=first))
    return f"unnest({places}) AS n({', '.join(names)})"


def taken(column: sa.Column[Any]) -> str:
    """Return the value of the column out of `n`: JSON travels as text."""
    return f"n.{column.name}::json" if isinstance(column.type, sa.JSON) else f"n.{column.name}"


def _set_based(table: sa.Table, names: Sequence[str], key: str | None, source: str) -> str:
    if key is None:
        values = ", ".join(taken(table.c[name]) for name in names)
        return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {source}"  # noqa: S608 - our own names
    values = ", ".join(f"{name} = {taken(table.c[name])}" for name in names)
    return f"UPDATE {table.name} AS t SET {values} FROM {source} WHERE t.{key} = n.{key}"  # noqa: S608 - our own names


def _statement(table: sa.Table, names: Sequence[str], key: str | None) -> Any:
    columns = table.c
    values = {name: sa.bindparam(f"row_{name}", type_=columns[name].type) for name in names}
    if key is None:
        return table.insert().values(values)
    where = columns[key] == sa.bindparam(f"row_{key}", type_=columns[key].type)
    return table.update().where(where).values(values)

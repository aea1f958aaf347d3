"""Queries that run often: compiled once for each database, with rows made ready without ceremony.

On SQLite they go through SQLAlchemy. On PostgreSQL they go to the driver, and a list of values travels as one
array, so that there is one prepared statement and not one for each length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from .database import Transaction

Among = Callable[[sa.ColumnElement[Any], str], sa.ColumnElement[bool]]
"""Takes a column and a parameter's name: the column's value is one of those in the list."""

_Conversion = Callable[[Any], Any]


class Query:
    """The SELECT that `build` returns; its parameters are given by name."""

    def __init__(self, build: Callable[[Among], sa.Select[Any]]) -> None:
        self._build = build
        self._select = build(_listed)
        self._on_driver: _OnDriver | None = None

    async def all(self, tx: Transaction, **values: Any) -> list[dict[str, Any]]:
        """Return all rows, by the names of their columns."""
        if tx.dialect != "postgresql":
            return [dict(row._mapping) for row in await tx.all(self._select, values)]
        if self._on_driver is None:
            self._on_driver = _OnDriver(self._build(_in_array), tx.connection.dialect)
        ready = self._on_driver
        return [ready.row(row) for row in await tx.fetch(ready.statement, ready.parameters(values))]


class _OnDriver:
    """A statement as the driver takes it, and how values go in and come out."""

    def __init__(self, select: sa.Select[Any], dialect: Dialect) -> None:
        compiled: Any = select.compile(dialect=dialect)
        self.statement = str(compiled)
        self._fixed = compiled.params
        self._places = [(name, _into(compiled.binds[name], dialect)) for name in compiled.positiontup or ()]
        self._names = [column.name for column in select.selected_columns]
        self._conversions: list[tuple[int, _Conversion]] = []
        for place, column in enumerate(select.selected_columns):
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                self._conversions.append((place, convert))

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of their places."""
        ready: list[Any] = []
        for name, convert in self._places:
            value = values[name] if name in values else self._fixed[name]
            ready.append(value if convert is None else convert(value))
        return ready

    def row(self, raw: Any) -> dict[str, Any]:
        """Return a row of the driver's, converted."""
        values = list(raw)
        for place, convert in self._conversions:
            values[place] = convert(values[place])
        return dict(zip(self._names, values, strict=True))


def _into(parameter: sa.BindParameter[Any], dialect: Dialect) -> _Conversion | None:
    convert: _Conversion | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _listed(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


def _in_array(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    return column == sa.func.any(sa.bindparam(name, type_=sa.ARRAY(sa.Text)))

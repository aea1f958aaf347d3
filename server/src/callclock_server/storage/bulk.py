"""Statements that run for many rows at once: compiled once, parameters made ready without ceremony.

SQLAlchemy prepares each row of an executemany anew; for the rows of a top of the hour that was a third of the
sweeper's time. A `Bulk` asks it for the SQL and the column types' conversions once, and then only applies
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from .database import Transaction

_Conversion = Callable[[Any], Any]


class Bulk:
    """An INSERT, or an UPDATE by key, of `table` for rows given as mappings.

    With `key`, rows update the columns of `names` where `key` matches; without, they insert them.
    """

    def __init__(self, table: sa.Table, names: Sequence[str], *, key: str | None = None) -> None:
        self._table = table
        self._names = tuple(names)
        self._key = key
        self._prepared: dict[str, tuple[str, Any, list[tuple[int, _Conversion]]]] = {}

    async def run(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement for every row; nothing for none."""
        if not rows:
            return
        dialect = tx.connection.dialect
        if dialect.name not in self._prepared:
            self._prepared[dialect.name] = self._prepare(dialect)
        statement, pick, conversions = self._prepared[dialect.name]
        parameters: list[tuple[Any, ...]] = []
        for row in rows:
            values = list(pick(row))
            for place, convert in conversions:
                values[place] = convert(values[place])
            parameters.append(tuple(values))
        await tx.connection.exec_driver_sql(statement, parameters)

    def _prepare(self, dialect: Dialect) -> tuple[str, Any, list[tuple[int, _Conversion]]]:
        compiled = self._statement().compile(dialect=dialect)
        order = [name.removeprefix("row_") for name in compiled.positiontup or ()]
        conversions: list[tuple[int, _Conversion]] = []
        for place, name in enumerate(order):
            convert = self._table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                conversions.append((place, convert))
        return str(compiled), itemgetter(*order), conversions

    def _statement(self) -> Any:
        columns = self._table.c
        values = {name: sa.bindparam(f"row_{name}", type_=columns[name].type) for name in self._names}
        if self._key is None:
            return self._table.insert().values(values)
        key = sa.bindparam(f"row_{self._key}", type_=columns[self._key].type)
        return self._table.update().where(columns[self._key] == key).values(values)

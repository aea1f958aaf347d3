"""A join's SQL, as it was executed, made into a pgbench script that joins another call each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from callclock_server.calls import join, users
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import Database, Transaction

_GENERATED = re.compile(r"\b(ses|par|chg)_[0-9a-f]{16,}")
_PLACE = re.compile(r"\$(\d+)")


async def record_join(database: Database, *, call_id: str, user_id: str) -> list[tuple[str, Any]]:
    """Let a user join a call as a request does; return its transaction's statements with their values."""
    recorded: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, values: Any, _3: Any, many: bool) -> None:
        # The first statement for the driver begins the transaction, and comes by here as well.
        if not (recorded and recorded[-1][0] == statement):
            recorded.extend((statement, each) for each in (values if many else [values]))

    async def deed(tx: Transaction) -> None:
        recorded.clear()
        fetch = tx.fetch

        async def noted(statement: str, values: Sequence[Any]) -> Any:
            recorded.append((statement, values))
            return await fetch(statement, values)

        tx.fetch = noted  # type: ignore[method-assign]
        actor = Actor(user_id)
        await users.require_user(tx, actor)
        await join.join_call(tx, actor, type="bench", id=call_id)

    engine = database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        await database.run(deed)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return recorded


def as_script(recorded: list[tuple[str, Any]], *, call_id: str, prefix: str) -> str:
    """Return the script: the same statements, on call number n of `prefix` and with ids of its own."""
    literal = _Literal(call_id, prefix)
    lines = ["SELECT nextval('bench_numbers') AS n \\gset", "BEGIN;"]
    for statement, values in recorded:
        texts = [literal.of(value) for value in values]
        written = " ".join(_PLACE.sub(lambda place, texts=texts: texts[int(place[1]) - 1], statement).split())
        lines.append(f"{written};")
    return "\n".join([*lines, "COMMIT;", ""])


class _Literal:
    """Values as SQL text, with the call's number and the generated ids replaced."""

    def __init__(self, call_id: str, prefix: str) -> None:
        self._call_id = call_id
        self._prefix = prefix

    def of(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return str(value)
        if isinstance(value, list):
            return f"ARRAY[{', '.join(self.of(one) for one in value)}]" if value else "'{}'"
        return self._text(str(value))

    def _text(self, value: str) -> str:
        parts: list[str] = []
        place = 0
        pattern = re.compile(rf"{_GENERATED.pattern}|{re.escape(self._call_id)}")
        for found in pattern.finditer(value):
            parts.append(_quoted(value[place : found.start()]))
            head = f"{found[1]}_" if found[1] else self._prefix
            parts += [_quoted(head), ":n::text"]
            place = found.end()
        if not parts:
            return _quoted(value)
        return f"concat({', '.join([*parts, _quoted(value[place:])])})"


def _quoted(text: str) -> str:
    # A colon before a name would be a variable of pgbench's, also inside of quotes.
    return "'" + text.replace("'", "''") + "'" if ":" not in text else _without_colons(text)


def _without_colons(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"

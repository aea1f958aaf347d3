"""The record of a session as CSV: one table, whose first column says what a row is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "row",
    "session_id",
    "call_cid",
    "user_id",
    "role",
    "device_id",
    "started_at",
    "ended_at",
    "seconds",
    "how",
    "reason",
    "old_ends_at",
    "new_ends_at",
)
_TOTALS = ("wall", "waiting", "running", "paused", "overtime", "all_present", "required_present")
# A spreadsheet would take text that starts so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_csv(record: Mapping[str, Any]) -> str:
    """Rows of sums (`wall waiting running paused overtime all_present required_present`), then `clock` for
    each stretch of it, `participant` with `presence` and `interval`, and `change`.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(record):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return table.getvalue()


def _rows(record: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    whose = {"session_id": record["session_id"], "call_cid": record["call_cid"]}
    span = {"started_at": record["started_at"], "ended_at": record["ended_at"]}
    for name in _TOTALS:
        seconds = record[f"{name}_seconds"]
        if seconds is None:
            continue  # no roles are required
        yield {"row": name, **whose, **span, "seconds": seconds, "how": record["ended_reason"]}
    for part in record["intervals"]:
        times = {"started_at": part["started_at"], "ended_at": part["ended_at"]}
        yield {"row": "clock", **whose, **times, "seconds": part["seconds"], "how": part["state"]}
    for person in record["participants"]:
        who = {**whose, "user_id": person["user_id"], "role": person["role"]}
        yield {"row": "participant", **who, "seconds": person["present_seconds"]}
        for there in person["presence"]:
            times = {"started_at": there["joined_at"], "ended_at": there["left_at"]}
            yield {"row": "presence", **who, **times}
        for stay in person["intervals"]:
            times = {"started_at": stay["joined_at"], "ended_at": stay["left_at"]}
            yield {"row": "interval", **who, "device_id": stay["device_id"], **times}
    for change in record["ledger"]:
        told = {name: change[name] for name in ("seconds", "how", "reason", "old_ends_at", "new_ends_at")}
        yield {"row": "change", **whose, "user_id": change["by"], "started_at": change["at"], **told}


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value

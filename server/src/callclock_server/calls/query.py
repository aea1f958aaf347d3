"""Query calls: filter, sort, page by page. Nobody finds calls that they may not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callclock_server.domain import capabilities as caps
from callclock_server.domain.errors import InvalidCursor, InvalidFilter, InvalidInput
from callclock_server.domain.input import moment, only_known
from callclock_server.domain.permissions import Actor
from callclock_server.storage import call_search, call_types, members
from callclock_server.storage.call_search import Search, Sight
from callclock_server.storage.database import Transaction

from .access import acting_user, capabilities_in, member_views
from .answers import CallAnswer
from .cursor import decode_cursor, encode_cursor, page_size
from .state import load_many
from .views import call_view

_TEXTS = ("cid", "type", "created_by")
_TIMES = ("created_at", "starts_at", "ended_at", "timer_ends_at")
_COMPARISONS = ("$eq", "$gt", "$gte", "$lt", "$lte", "$in")
_MOST_VALUES = 100
_MOST_TERMS = 20


@dataclass(slots=True, kw_only=True)
class QueryPage:
    """One page of calls, each as its reader may see it."""

    items: list[CallAnswer]
    next: str | None


async def query_calls(
    tx: Transaction,
    by: Actor,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002
    sort: Sequence[Mapping[str, Any]] | None = None,
    limit: int = 25,
    next: str | None = None,  # noqa: A002
) -> QueryPage:
    """Return a page of the calls that match `filter` and that `by` may read.

    Values are plain (equality) or `{"$eq" "$in" "$gt" "$gte" "$lt" "$lte"}`; the default order is the newest
    first. What has no value sorts last. Raises InvalidFilter, InvalidCursor.
    """
    user = await acting_user(tx, by)
    search = Search(order=_order(sort))
    if filter is not None:
        _read_filter(search, filter)
    if user is not None:
        search.seen_by(await _sight(tx, user.id, user.role), cids=by.call_cids)
    kind = "calls:" + ",".join(f"{name}{'-' if down else '+'}" for name, down in search.order)
    if next is not None:
        *values, cid = decode_cursor(next, kind, *[int] * len(search.order), str)
        try:
            search.after(values, cid)
        except OverflowError as exc:
            raise InvalidCursor(field="next") from exc
    found = await call_search.find(tx, search, limit=page_size(limit) + 1)
    more = None
    if len(found) > limit:
        last_cid, values = found[limit - 1]
        more = encode_cursor(kind, *values, last_cid)
    cids = [cid for cid, _ in found[:limit]]
    return QueryPage(items=await _answers(tx, cids, by), next=more)


async def _answers(tx: Transaction, cids: list[str], by: Actor) -> list[CallAnswer]:
    states = await load_many(tx, cids)
    listed = await member_views(tx, cids)
    own = await members.of_calls(tx, cids)
    user = await acting_user(tx, by)
    answers = []
    for cid in cids:
        state = states[cid]
        mine = next((m for m in own[cid] if user and m.user_id == user.id), None)
        held = capabilities_in(state.call_type, user, mine)
        answers.append(
            CallAnswer(
                call=call_view(state, now=tx.now()),
                members=listed[cid],
                own_capabilities=caps.in_order(held),
            )
        )
    return answers


async def _sight(tx: Transaction, user_id: str, role: str) -> Sight:
    """Return which types and which member roles let this user read."""
    all_types = await call_types.list_all(tx)
    by_role = {t.name for t in all_types if "read-call" in t.capabilities_of(role)}
    return Sight(
        user_id=user_id,
        open_types=frozenset(t.name for t in all_types if not t.members_only and t.name in by_role),
        role_types=frozenset(by_role),
        member_roles=frozenset(
            (t.name, member_role)
            for t in all_types
            for member_role in t.grants
            if "read-call" in t.capabilities_of(role, member_role)
        ),
    )


def _order(sort: Sequence[Mapping[str, Any]] | None) -> list[tuple[str, bool]]:
    """Return the order as (field, descending)."""
    order: list[tuple[str, bool]] = []
    for place, item in enumerate(sort or ()):
        path = f"sort.{place}"
        if not isinstance(item, Mapping):
            raise InvalidInput("must be an object.", field=path)
        only_known(item, ("field", "direction"), field=path)
        name, direction = item.get("field"), item.get("direction", 1)
        if name not in _TIMES or name in dict(order):
            raise InvalidFilter(f"Sort by each of {', '.join(_TIMES)} once at most.", field=f"{path}.field")
        if direction not in (1, -1) or isinstance(direction, bool):
            raise InvalidFilter("The direction is 1 or -1.", field=f"{path}.direction")
        order.append((name, direction == -1))
    return order or [("created_at", True)]


def _read_filter(search: Search, given: Mapping[str, Any]) -> None:
    if not isinstance(given, Mapping) or len(given) > _MOST_TERMS:
        raise InvalidFilter(f"The filter is an object of at most {_MOST_TERMS} terms.", field="filter")
    for name, value in given.items():
        path = f"filter.{name}"
        if name in ("ongoing", "ended"):
            _read_flag(search, name, value, path=path)
            continue
        for operator, operand in _terms(value, path=path):
            if name in _TIMES:
                search.compare(name, operator, _time_operand(operator, operand, path=path))
            elif name in _TEXTS:
                search.compare(name, operator, _text_operand(operator, operand, path=path))
            elif name == "members":
                search.with_members(_member_operand(operator, operand, path=path))
            elif name.startswith("custom.") and len(name) > len("custom.") and _is_text(name):
                search.custom(
                    name.removeprefix("custom."), operator, _custom_operand(operator, operand, path=path)
                )
            else:
                raise InvalidFilter(f"Calls cannot be filtered by {name}.", field=path)


def _read_flag(search: Search, name: str, value: Any, *, path: str) -> None:
    if isinstance(value, Mapping) and set(value) == {"$eq"}:
        value = value["$eq"]
    if not isinstance(value, bool):
        raise InvalidFilter(f"{name} is true or false.", field=path)
    if name == "ongoing":
        search.ongoing(wanted=value)
    else:
        search.ended(wanted=value)


def _terms(value: Any, *, path: str) -> list[tuple[str, Any]]:
    """Return the comparisons that a value stands for."""
    if not isinstance(value, Mapping):
        return [("$eq", value)]
    unknown = [operator for operator in value if operator not in _COMPARISONS]
    if unknown or not value:
        raise InvalidFilter(f"Use {', '.join(_COMPARISONS)}.", field=path)
    for operator, operand in value.items():
        if operator == "$in" and not (isinstance(operand, list) and 1 <= len(operand) <= _MOST_VALUES):
            raise InvalidFilter(f"$in takes a list of 1 to {_MOST_VALUES} values.", field=path)
    return list(value.items())


def _time_operand(operator: str, operand: Any, *, path: str) -> Any:
    if operator == "$in":
        return [moment(item, field=path) for item in operand]
    if operand is None and operator == "$eq":
        return None
    return moment(operand, field=path)


def _text_operand(operator: str, operand: Any, *, path: str) -> Any:
    for item in operand if operator == "$in" else [operand]:
        if not _is_text(item):
            raise InvalidFilter("The value is text.", field=path)
    return operand


def _member_operand(operator: str, operand: Any, *, path: str) -> list[str]:
    if operator not in ("$eq", "$in"):
        raise InvalidFilter("Use $eq or $in for members.", field=path)
    _text_operand(operator, operand, path=path)
    return list(operand) if operator == "$in" else [operand]


def _custom_operand(operator: str, operand: Any, *, path: str) -> Any:
    values = operand if operator == "$in" else [operand]
    kinds = {
        ("number" if isinstance(v, int | float) and not isinstance(v, bool) else type(v).__name__)
        for v in values
    }
    if len(kinds) != 1 or not kinds <= {"str", "number", "bool", "NoneType"}:
        raise InvalidFilter(
            "Custom data is compared with text, numbers or truth values of one kind.", field=path
        )
    if kinds == {"NoneType"} and operator != "$eq":
        raise InvalidFilter("null can only be compared with $eq.", field=path)
    if kinds == {"number"} and any(abs(v) > 2**53 for v in values):
        raise InvalidFilter("The number is too large.", field=path)
    if kinds == {"str"} and not all(_is_text(v) for v in values):
        raise InvalidFilter("The value is not text.", field=path)
    return operand


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, str) and "\x00" not in value and not any(0xD800 <= ord(c) < 0xE000 for c in value)
    )

"""From JSON to frozen dataclasses.

The dataclasses are the schema: a field's annotation says how its value is read. Keys that this version
does not know are kept in `extra`, so that a newer server never breaks an older SDK; a missing key is an
error only where the dataclass has no default for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Any, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from callclock.errors import UnexpectedAnswer

Converter = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Model:
    """Base of everything that the server tells."""

    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Keys that this version of the SDK does not know, as they came."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build one from decoded JSON. Raises `UnexpectedAnswer` if it does not fit."""
        return decode(cls, data)


M = TypeVar("M", bound=Model)


def decode(model: type[M], data: Any) -> M:
    """Read `data` as `model`. Raises `UnexpectedAnswer` if it does not fit."""
    if not isinstance(data, Mapping):
        raise UnexpectedAnswer(
            f"The server sent {type(data).__name__} where a {model.__name__} was expected."
        )
    kind: Any = model
    plan = _plan(kind)
    values: dict[str, Any] = {}
    for name, (convert, required) in plan.items():
        if name in data:
            values[name] = _convert(model, name, convert, data[name])
        elif required:
            raise UnexpectedAnswer(f"The server sent a {model.__name__} without `{name}`.")
    extra = {key: value for key, value in data.items() if key not in plan}
    return model(**values, extra=extra)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time as an aware datetime in UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text!r} has no offset")
    return moment.astimezone(UTC)


def _convert(model: type[Model], name: str, convert: Converter, value: Any) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError, AttributeError) as exc:
        raise UnexpectedAnswer(
            f"The server sent a {model.__name__} whose `{name}` cannot be read: {exc}"
        ) from exc


@cache
def _plan(model: Any) -> dict[str, tuple[Converter, bool]]:
    hints = get_type_hints(model)
    return {
        entry.name: (
            _converter(hints[entry.name]),
            entry.default is MISSING and entry.default_factory is MISSING,
        )
        for entry in fields(model)
        if entry.name != "extra"
    }


def _converter(hint: Any) -> Converter:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is datetime:
        return parse_time
    if isinstance(hint, type) and issubclass(hint, Model):
        return lambda value: decode(hint, value)
    if origin in (Union, UnionType):
        inner = _converter(next(part for part in arguments if part is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _converter(arguments[0])
        return lambda value: tuple(item(each) for each in value)
    return lambda value: value

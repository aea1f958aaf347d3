"""Types of single fields: ids, times, names, custom objects."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StrictBool, StrictInt, WithJsonSchema
from pydantic_core import PydanticCustomError

ID_PATTERN = r"^[A-Za-z0-9_.\-]{1,64}$"
USER_ID_PATTERN = r"^[A-Za-z0-9_.@\-]{1,64}$"
CID_PATTERN = r"^[A-Za-z0-9_.\-]{1,64}:[A-Za-z0-9_.\-]{1,64}$"
MAX_CUSTOM_BYTES = 16 * 1024
MAX_CUSTOM_DEPTH = 20
MAX_NAME_LENGTH = 255
MAX_URL_LENGTH = 2_048
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?")


def _matches(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern.removeprefix("^").removesuffix("$"))

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError(
                "invalid-id", "{what} must match {pattern}", {"what": what, "pattern": pattern}
            )
        return value

    return AfterValidator(check)


def _parse_time(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise PydanticCustomError("invalid-value", "must be a time such as 2026-11-23T13:00:00Z")
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper().replace(" ", "T")))
    except ValueError as exc:
        raise PydanticCustomError("invalid-value", "is not a time that exists") from exc
    if moment.tzinfo is None:
        raise PydanticCustomError("naive-time", "must carry an offset from UTC, such as Z or +01:00")
    if not 1 < moment.year < 9999:  # so that the change to UTC cannot leave the calendar
        raise PydanticCustomError("invalid-value", "is not a time that this server can keep")
    return moment


def _check_text(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("invalid-value", "must not contain the character U+0000")
    return value


def _check_short_text(value: str) -> str:
    if len(value) > MAX_NAME_LENGTH:
        raise PydanticCustomError(
            "invalid-value", "must have at most {most} characters", {"most": MAX_NAME_LENGTH}
        )
    return _check_text(value)


def _check_url(value: str) -> str:
    if len(value) > MAX_URL_LENGTH:
        raise PydanticCustomError(
            "invalid-value", "must have at most {most} characters", {"most": MAX_URL_LENGTH}
        )
    return _check_text(value)


def _check_custom(value: dict[str, Any]) -> dict[str, Any]:
    _check_nested(value, 0)
    try:
        size = len(orjson.dumps(value))
    except TypeError as exc:
        raise PydanticCustomError(
            "invalid-value", "contains a number or a text that JSON cannot carry"
        ) from exc
    if size > MAX_CUSTOM_BYTES:
        raise PydanticCustomError(
            "invalid-value", "must be at most {most} bytes of JSON", {"most": MAX_CUSTOM_BYTES}
        )
    return value


def _check_nested(value: Any, depth: int) -> None:
    if depth > MAX_CUSTOM_DEPTH:
        raise PydanticCustomError(
            "invalid-value", "is nested more than {most} levels deep", {"most": MAX_CUSTOM_DEPTH}
        )
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_nested(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_nested(inner, depth + 1)


Id = Annotated[str, _matches(ID_PATTERN, "an id"), WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]
UserId = Annotated[
    str,
    _matches(USER_ID_PATTERN, "a user id"),
    WithJsonSchema({"type": "string", "pattern": USER_ID_PATTERN}),
]
Time = Annotated[
    datetime,
    BeforeValidator(_parse_time),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Text = Annotated[
    str, AfterValidator(_check_short_text), WithJsonSchema({"type": "string", "maxLength": MAX_NAME_LENGTH})
]
Url = Annotated[
    str, AfterValidator(_check_url), WithJsonSchema({"type": "string", "maxLength": MAX_URL_LENGTH})
]
Custom = Annotated[
    dict[str, Any],
    AfterValidator(_check_custom),
    WithJsonSchema(
        {"type": "object", "additionalProperties": True, "description": "Your own data, at most 16 KiB."}
    ),
]
Int = StrictInt
Bool = StrictBool

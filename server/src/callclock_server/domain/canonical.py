"""The one form in which a record is signed, so that every language arrives at the same bytes.

`canonical` of a JSON value is its text after RFC 8785 (no white space, keys in order of their UTF-16 code
units, strings as ECMAScript writes them, UTF-8), with one difference: a number is written as the whole number
of millionths that it is. Floating-point numbers are where languages disagree; 3599.5 becomes 3599500000. A
number that is no whole number of millionths, or more of them than 2**53 - 1, has no such form.
"""

from __future__ import annotations

import json
import math
from typing import Any

MILLIONTHS = 1_000_000
MOST_MILLIONTHS = 2**53 - 1


def canonical(value: Any) -> bytes:
    """Return the form of a JSON value. Raises `ValueError` where it has none."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return str(_millionths(value))
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return f"{{{','.join(f'{_text(key)}:{_text(value[key])}' for key in keys)}}}"
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def _millionths(number: float) -> int:
    if isinstance(number, int):
        scaled = number * MILLIONTHS
    elif math.isfinite(number):
        scaled = round(number * MILLIONTHS)
        if scaled / MILLIONTHS != number:
            raise ValueError(f"{number!r} is no whole number of millionths")
    else:
        raise ValueError(f"{number!r} is not a number")
    if abs(scaled) > MOST_MILLIONTHS:
        raise ValueError(f"{number!r} is too large")
    return scaled


def exact(value: Any) -> Any:
    """Return a JSON value with every number rounded to millionths: sums of seconds carry dust."""
    if isinstance(value, float):
        return round(value * MILLIONTHS) / MILLIONTHS
    if isinstance(value, list):
        return [exact(each) for each in value]
    if isinstance(value, dict):
        return {key: exact(each) for key, each in value.items()}
    return value

"""How a call handle gets an event stream without knowing keys or URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Stream = TypeVar("Stream")
StreamOpener = Callable[[Iterable[str]], Stream]

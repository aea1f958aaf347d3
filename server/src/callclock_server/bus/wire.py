"""Messages as bytes: who sent it, what kind it is, and the content as JSON.

Three kinds travel: the rows of a commit, a moment, and anything else that JSON can say. Rows are recognised,
and made again, by the type that the composition root names: the bus does not know the storage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from .channels import Message

NODE_BYTES = 12
_ROWS, _MOMENT, _JSON = b"e", b"t", b"j"
_ROW_OVERHEAD_BYTES = 128
_SMALL_BYTES = 256


class Wire:
    """Turns messages of the node `node_id` into bytes, and those of others back."""

    def __init__(self, node_id: str, *, row: Callable[..., Any], fields: Sequence[str]) -> None:
        if len(node_id.encode()) != NODE_BYTES:
            raise ValueError(f"a node's id has {NODE_BYTES} characters")
        self._sender = node_id.encode()
        self._row = row
        self._fields = fields

    def encode(self, message: Message) -> bytes:
        """Return the bytes of a message; raises TypeError for what JSON cannot say."""
        if isinstance(message, tuple):
            rows = [[getattr(row, name) for name in self._fields] for row in message]
            return self._sender + _ROWS + orjson.dumps(rows)
        if isinstance(message, datetime):
            return self._sender + _MOMENT + message.isoformat().encode()
        return self._sender + _JSON + orjson.dumps(message)

    def own(self, data: bytes) -> bool:
        """Return whether the message is this node's own echo."""
        return data.startswith(self._sender)

    def decode(self, data: bytes) -> Message:
        """Return the message. Raises ValueError for bytes that are none."""
        kind, content = data[NODE_BYTES : NODE_BYTES + 1], data[NODE_BYTES + 1 :]
        try:
            if kind == _ROWS:
                return tuple(self._row(*values) for values in orjson.loads(content))
            if kind == _MOMENT:
                return datetime.fromisoformat(content.decode())
            if kind == _JSON:
                return orjson.loads(content)
        except TypeError as exc:  # rows of another version
            raise ValueError(str(exc)) from exc
        raise ValueError(f"a message of the unknown kind {kind!r}")


def weight(message: Message) -> int:
    """Return about how many bytes a message will have, without making them."""
    if isinstance(message, tuple):
        return sum(len(getattr(row, "payload", "")) + _ROW_OVERHEAD_BYTES for row in message)
    return _SMALL_BYTES

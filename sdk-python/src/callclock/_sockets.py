"""What both event stream backends share."""

from __future__ import annotations

from typing import Self

from websockets.exceptions import ConnectionClosed

# The answer to a watch of many calls is large; the WebSocket library's own limit of 1 MiB is not.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


class Disconnected(Exception):
    """The connection is gone; `code` is the server's close code, None where there was none."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    @classmethod
    def from_closed(cls, exc: ConnectionClosed) -> Self:
        """Read the close frame that came from the other side, if any."""
        return cls(exc.rcvd.code, exc.rcvd.reason) if exc.rcvd else cls(None, "connection lost")

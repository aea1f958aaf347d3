"""Which bodies are let in: JSON of at most 256 KiB, read whole before any route sees it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callclock_server.api.problems import problem_response
from callclock_server.domain.errors import BodyTooLarge, CallclockError, UnsupportedMediaType
from callclock_server.timekeeping import Clock

MAX_BODY_BYTES = 256 * 1024
_JSON = "application/json"
_WEBHOOK = "application/webhook+json"
PREFIX = "/v1/"


class BodyLimits:
    """ASGI layer for the paths under `/v1/`; the rest (media signalling, pages) has rules of its own."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(Headers(scope=scope), receive)
        except CallclockError as error:
            request_id = scope["state"]["request_id"]
            refusal = problem_response(error, now=self._clock.now(), request_id=request_id)
            # The rest of the body is not read: the connection cannot be used again.
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


async def _read(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, or None when the client went away. Raises BodyTooLarge, UnsupportedMediaType."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"A body may have at most {MAX_BODY_BYTES} bytes.")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"A body may have at most {MAX_BODY_BYTES} bytes.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if size and kind not in {_JSON, _WEBHOOK}:
        raise UnsupportedMediaType("Send the body as application/json.")
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed

"""Small ASGI answers and readings that the room server needs."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from callclock_server.sfu.signal_socket import Message, Receive, Send
from callclock_server.sfu.twirp import TwirpError

MAX_BODY_BYTES = 1024 * 1024


async def refuse_socket(scope: Message, send: Send, status: int, message: str) -> None:
    """Refuse a WebSocket with an HTTP status, or with a close where the server cannot."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": message[:120]})
        return
    headers = [(b"content-type", b"text/plain"), (b"access-control-allow-origin", b"*")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": message.encode()})


async def respond(send: Send, status: int, body: bytes, content_type: str) -> None:
    """Answer an HTTP request; any origin may read it (the token decides, not the origin)."""
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_twirp_error(send: Send, status: int, code: str, message: str) -> None:
    """Answer with a Twirp error."""
    body = json.dumps({"code": code, "msg": message}).encode()
    await respond(send, status, body, "application/json")


async def read_body(receive: Receive) -> bytes:
    """Read a request body of at most `MAX_BODY_BYTES`. Raises `TwirpError`."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TwirpError("malformed", "the request was cut off")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise TwirpError("invalid_argument", f"request body of more than {MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return b"".join(chunks)


def query(scope: Message) -> dict[str, str]:
    """The query parameters, the last one of a name."""
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))


def header(scope: Message, name: bytes) -> str:
    """The value of a header (its name in lower case), empty if absent."""
    value: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return value.decode("latin-1")

"""The public keys with which anybody verifies a record, without a token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callclock_server.api.wire import JSON, dump
from callclock_server.calls.signing import RecordSigner

PATH = "/.well-known/callclock-record-keys.json"
# Public for every page; an hour is soon enough to learn of a new key.
_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


def record_keys_route(signer: RecordSigner) -> Route:
    """The JWK Set of the keys of records."""
    body = dump(signer.public_keys())

    async def record_keys(_request: Request) -> Response:
        return Response(body, media_type=JSON, headers=_HEADERS)

    return Route(PATH, record_keys, name="record_keys")

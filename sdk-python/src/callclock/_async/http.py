"""One request with its token, its repetitions and its errors."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from callclock._async import backend
from callclock._decoding import parse_time
from callclock._problems import read_answer, retry_after_seconds
from callclock._requests import to_json
from callclock._tokens import TokenMint
from callclock.errors import AuthenticationError, ConnectionFailed, TimedOut
from callclock.retries import RETRIED_STATUSES, RetryPolicy

# Long enough for a slow way to the server, short enough that a leaked token is soon worth nothing.
SERVER_TOKEN_SECONDS = 60


class AsyncHttp:
    """Sends requests as the server's owner, with a token made for each of them."""

    def __init__(
        self,
        api_key: str,
        mint: TokenMint,
        *,
        base_url: str,
        timeout: float,
        retries: RetryPolicy,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._api_key = api_key
        self._mint = mint
        self._retries = retries
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, transport=transport)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read the JSON object at `path`."""
        return await self._answer("GET", path, query=query)

    async def get_response(self, path: str, query: Mapping[str, Any] | None = None) -> httpx.Response:
        """Read `path`, whatever it is."""
        response = await self._send("GET", path, query=query)
        if not response.is_success:
            read_answer(response)
        return response

    async def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a write under an `Idempotency-Key` of its own, so that it may be repeated safely."""
        return await self._answer(method, path, body=body or {}, key=uuid.uuid4().hex)

    async def _answer(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Answer of one request; a second one if our clock, not the secret, was the trouble."""
        try:
            return read_answer(await self._send(method, path, **kwargs))
        except AuthenticationError as exc:
            stamp = exc.problem.get("server_time")
            if exc.code != "token-expired" or not isinstance(stamp, str):
                raise
            self._mint.learn_server_time(parse_time(stamp).timestamp())
        return read_answer(await self._send(method, path, **kwargs))

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Send until there is an answer worth reading. Raises `ConnectionFailed` and `TimedOut`."""
        attempt = 1
        while True:
            failure: ConnectionFailed | TimedOut | None = None
            wait: float | None = None
            try:
                response = await self._send_once(method, path, query=query, body=body, key=key)
            except httpx.TimeoutException as exc:
                failure = TimedOut(f"{self._client.base_url} did not answer in time ({method} {path}).")
                failure.__cause__ = exc
            except httpx.TransportError as exc:
                failure = ConnectionFailed(f"{self._client.base_url} cannot be reached: {exc}")
                failure.__cause__ = exc
            else:
                if response.status_code not in RETRIED_STATUSES:
                    return response
                wait = retry_after_seconds(response)
            attempt += 1
            delay = self._retries.delay_before(attempt, jitter=random.random(), retry_after_seconds=wait)
            if delay is None:
                if failure is not None:
                    raise failure
                return response
            await backend.sleep(delay)

    async def _send_once(
        self, method: str, path: str, *, query: Mapping[str, Any] | None, body: Any, key: str | None
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._mint.server_token(expires_in_seconds=SERVER_TOKEN_SECONDS)}",
            "X-Api-Key": self._api_key,
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else to_json(body)
        return await self._client.request(method, path, params=query, content=content, headers=headers)

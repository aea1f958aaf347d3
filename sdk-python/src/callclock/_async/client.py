"""The client: where everything starts."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import httpx

from callclock._async.event_stream import AsyncEventStream
from callclock._async.http import AsyncHttp
from callclock._async.travel import AsyncTestClock
from callclock._async.video import AsyncVideo
from callclock._decoding import decode
from callclock._requests import RECORD_KEYS_PATH, Users, body, path, users_by_id
from callclock._tokens import TokenMint
from callclock.models import Capability, Page, Role, User
from callclock.retries import RetryPolicy


class AsyncStreamClient:
    """A server-side client: it holds the secret and may do everything. Never ship it to a browser or phone.

    `timeout` is in seconds, for each attempt. `transport` replaces the network, for tests. Use it in a `with`
    block, or close it when done; it may be shared by everything in the process.
    """

    def __init__(
        self,
        api_key: str,
        secret: str,
        *,
        base_url: str = "http://127.0.0.1:8000",
        timeout: float = 10.0,
        retries: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not api_key or not secret:
            raise ValueError("The API key or the secret is empty; `callclock keys generate` makes a pair.")
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must start with http:// or https://, not {base_url!r}")
        self.api_key = api_key
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._retries = retries or RetryPolicy()
        self._mint = TokenMint(secret)
        self._streams: WeakSet[AsyncEventStream] = WeakSet()
        self._http = AsyncHttp(
            api_key,
            self._mint,
            base_url=self.base_url,
            timeout=timeout,
            retries=self._retries,
            transport=transport,
        )
        self.video = AsyncVideo(self._http, open_stream=self._open_stream)
        self.test_clock = AsyncTestClock(self._http)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key={self.api_key!r}, base_url={self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection, event streams included."""
        for stream in list(self._streams):
            await stream.aclose()
        await self._http.aclose()

    def create_token(
        self, user_id: str, *, expires_in_seconds: int = 3600, call_cids: Iterable[str] | None = None
    ) -> str:
        """A token for a user's browser, made here without a request.

        With `call_cids` it is good for those calls only.
        """
        if expires_in_seconds < 1:
            raise ValueError("expires_in_seconds must be at least 1")
        return self._mint.user_token(user_id, expires_in_seconds=expires_in_seconds, call_cids=call_cids)

    async def record_keys(self) -> dict[str, Any]:
        """The public keys of the server's records, as a JWK Set; see `callclock.records.verify`."""
        return await self._http.get(RECORD_KEYS_PATH)

    async def create_role(self, name: str) -> Role:
        """Make a role. Raises `Conflict` if it exists."""
        answer = await self._http.write("POST", path("roles"), {"name": name})
        return decode(Role, answer.get("role"))

    async def list_roles(self) -> list[Role]:
        """Every role, the built-in ones too."""
        answer = await self._http.get(path("roles"))
        return [decode(Role, each) for each in answer["roles"]]

    async def delete_role(self, name: str) -> None:
        """Delete a role that nobody has. Raises `Conflict` while it is in use, or built in."""
        await self._http.write("DELETE", path("roles", name))

    async def list_capabilities(self) -> list[Capability]:
        """Everything that a role can be granted, with a description."""
        answer = await self._http.get(path("capabilities"))
        return [decode(Capability, each) for each in answer["capabilities"]]

    async def upsert_users(self, *users: Users) -> dict[str, User]:
        """Make users, or change the given fields of those that exist; answers with all of them by id.

        Takes `{"bill": {"name": "Bill", "role": "patient"}}`, or users as dicts or `User` objects, one by one
        or in a list; at most 100 at once.
        """
        answer = await self._http.write("POST", path("users"), {"users": users_by_id(users)})
        return {id: decode(User, each) for id, each in answer["users"].items()}

    async def get_user(self, user_id: str) -> User:
        """One user. Raises `NotFound`."""
        return decode(User, (await self._http.get(path("users", user_id))).get("user"))

    async def list_users(self, *, limit: int | None = None, next: str | None = None) -> Page[User]:
        """One page of the users."""
        answer = await self._http.get(path("users"), body(limit=limit, next=next))
        users = answer["users"]
        rows = users.values() if isinstance(users, dict) else users
        return Page(tuple(decode(User, each) for each in rows), answer.get("next"))

    async def delete_user(self, user_id: str) -> None:
        """Delete a user; their tokens are worth nothing from then on."""
        await self._http.write("DELETE", path("users", user_id))

    def _open_stream(self, cids: Iterable[str]) -> AsyncEventStream:
        stream = AsyncEventStream(
            cids,
            base_url=self.base_url,
            api_key=self.api_key,
            mint=self._mint,
            timeout=self._timeout,
            retries=self._retries,
        )
        self._streams.add(stream)
        return stream

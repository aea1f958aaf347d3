"""Call types and calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from callclock._async.call import AsyncCall
from callclock._async.event_stream import AsyncEventStream
from callclock._async.http import AsyncHttp
from callclock._decoding import decode
from callclock._requests import body, path
from callclock._streams import StreamOpener
from callclock.models import CallDetails, CallType, Page

Grants = Mapping[str, Iterable[str]]


class AsyncVideo:
    """Call types and calls; the `video` of a client."""

    def __init__(self, http: AsyncHttp, *, open_stream: StreamOpener[AsyncEventStream]) -> None:
        self._http = http
        self._open_stream = open_stream

    def call(self, type: str, id: str) -> AsyncCall:
        """A handle for the call `type:id`; sends nothing."""
        return AsyncCall(type, id, http=self._http, open_stream=self._open_stream)

    async def create_call_type(
        self,
        name: str,
        *,
        grants: Grants | None = None,
        settings: Mapping[str, Any] | None = None,
        members_only: bool | None = None,
    ) -> CallType:
        """Make a call type. `grants` says what each role may do, `settings` what differs from the defaults.

        Raises `Conflict` if it exists, `InvalidInput` for an unknown role, capability or setting.
        """
        request = body(name=name, grants=_plain(grants), settings=settings, members_only=members_only)
        return _call_type(await self._http.write("POST", path("call_types"), request))

    async def update_call_type(
        self,
        name: str,
        *,
        grants: Grants | None = None,
        settings: Mapping[str, Any] | None = None,
        members_only: bool | None = None,
    ) -> CallType:
        """Change what is given: the grants of each role named, settings key by key (None = the default).

        A new limit applies to sessions that start later (rule 7); new grants apply at once.
        """
        request = body(grants=_plain(grants), settings=settings, members_only=members_only)
        return _call_type(await self._http.write("PATCH", path("call_types", name), request))

    async def get_call_type(self, name: str) -> CallType:
        """One call type. Raises `NotFound`."""
        return _call_type(await self._http.get(path("call_types", name)))

    async def list_call_types(self) -> list[CallType]:
        """Every call type, the built-in ones too."""
        found: list[CallType] = []
        cursor: str | None = None
        while True:
            answer = await self._http.get(path("call_types"), body(limit=100, next=cursor))
            found += [decode(CallType, each) for each in answer["call_types"]]
            cursor = answer.get("next")
            if not cursor:
                return found

    async def delete_call_type(self, name: str) -> None:
        """Delete a call type that no call uses. Raises `Conflict`."""
        await self._http.write("DELETE", path("call_types", name))

    async def query_calls(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        limit: int | None = None,
        next: str | None = None,
    ) -> Page[CallDetails]:
        """One page of the calls that match; `iter_calls` goes through all of them.

        `filter` compares `type`, `cid`, `created_by`, `members`, `ongoing`, `ended`, `starts_at`,
        `created_at`, `ended_at`, `timer_ends_at` or `custom.<key>` with a value, or with
        `{"$eq" | "$in" | "$gt" | "$gte" | "$lt" | "$lte": value}`; `sort` is a list of
        `{"field", "direction"}` with direction 1 or -1.
        """
        request = body(filter=filter, sort=sort, limit=limit, next=next)
        answer = await self._http.write("POST", path("calls", "query"), request)
        return Page(tuple(decode(CallDetails, each) for each in answer["calls"]), answer.get("next"))

    async def iter_calls(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        page_size: int = 25,
    ) -> AsyncIterator[CallDetails]:
        """Every call that matches, fetched page by page as the iteration goes on; see `query_calls`."""
        cursor: str | None = None
        while True:
            page = await self.query_calls(filter=filter, sort=sort, limit=page_size, next=cursor)
            for details in page:
                yield details
            cursor = page.next
            if cursor is None:
                return

    def events(self, cids: Iterable[str]) -> AsyncEventStream:
        """What happens to the calls `cids`, from now on: an iterator that reconnects by itself.

        Close it (or use it in a `with` block) when you stop before its end.
        """
        return self._open_stream(cids)


def _plain(grants: Grants | None) -> dict[str, list[str]] | None:
    return None if grants is None else {role: [str(each) for each in may] for role, may in grants.items()}


def _call_type(answer: Mapping[str, Any]) -> CallType:
    return decode(CallType, answer.get("call_type"))

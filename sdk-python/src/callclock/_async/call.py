"""One call: everything that can be done with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from callclock._async.event_stream import AsyncEventStream
from callclock._async.http import AsyncHttp
from callclock._decoding import decode
from callclock._requests import SIGNATURE_HEADER, body, path
from callclock._streams import StreamOpener
from callclock.models import (
    CallDetails,
    CallState,
    Change,
    Extension,
    ExtensionRequest,
    JoinedCall,
    Page,
    Participant,
    Session,
    SessionRecord,
    SignedCsv,
    Verification,
)


class AsyncCall:
    """A handle for the call `type:id`; making one sends nothing. Got from `client.video.call(type, id)`."""

    def __init__(
        self, type: str, id: str, *, http: AsyncHttp, open_stream: StreamOpener[AsyncEventStream]
    ) -> None:
        self.type = type
        self.id = id
        self._http = http
        self._open_stream = open_stream

    @property
    def cid(self) -> str:
        """The call's name in one word, `type:id`."""
        return f"{self.type}:{self.id}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.cid!r})"

    async def create(self, *, data: Mapping[str, Any] | None = None) -> CallDetails:
        """Make the call, or get it unchanged if it exists (`created` tells which).

        `data` may hold `members` (a list of `{"user_id", "role", "custom"}`), `created_by_id` (needed for a
        new call), `settings_override`, `starts_at` and `custom`.
        """
        return decode(CallDetails, await self._http.write("POST", self._path(), body(data=data)))

    async def get_or_create(self, *, data: Mapping[str, Any] | None = None) -> CallDetails:
        """The same as `create`."""
        return await self.create(data=data)

    async def get(self) -> CallDetails:
        """The call as it is now. Raises `NotFound`."""
        return decode(CallDetails, await self._http.get(self._path()))

    async def join(
        self,
        *,
        user_id: str,
        device_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        create: bool | None = None,
        connection_id: str | None = None,
    ) -> JoinedCall:
        """Join for a user; the first join starts the session and its clock (design rule 1).

        The same user with the same `device_id` takes the same place again. With `create`, a call that does
        not exist is made from `data`. `connection_id` binds the presence to an event stream's life, for calls
        whose media engine is `none`.

        This client may do everything, so it lets a user in even where the user's own token would be refused
        (`call-ended` after the end): ask `get()` first if that matters.
        """
        request = body(
            user_id=user_id, device_id=device_id, data=data, create=create, connection_id=connection_id
        )
        return decode(JoinedCall, await self._http.write("POST", self._path("join"), request))

    async def leave(
        self, *, user_id: str, device_id: str | None = None, participant_id: str | None = None
    ) -> CallState:
        """Leave for a user: one device or participant, or all of the user's. The clock runs on (rule 5)."""
        request = body(user_id=user_id, device_id=device_id, participant_id=participant_id)
        return self._state(await self._http.write("POST", self._path("leave"), request))

    async def update(
        self,
        *,
        settings_override: Mapping[str, Any] | None = None,
        starts_at: datetime | str | None = None,
        custom: Mapping[str, Any] | None = None,
    ) -> CallDetails:
        """Change what is given. A new `limits.max_duration_seconds` moves the end of the running session.

        A value of None inside `settings_override` takes that override away; for
        `limits.max_duration_seconds` it means no limit (rule 2).
        """
        request = body(settings_override=settings_override, starts_at=starts_at, custom=custom)
        return decode(CallDetails, await self._http.write("PATCH", self._path(), request))

    async def extend(
        self,
        seconds: int,
        *,
        reason: str | None = None,
        idempotency_key: str | None = None,
        price_text: str | None = None,
    ) -> Extension:
        """Move the end by `seconds`, negative to shorten (rule 3). Safe to call from many places at once.

        The same `idempotency_key` never moves the end twice; without one, a new key is made for this call.
        Under a policy with `consent_roles` more time is only offered, with `price_text` for who has to agree:
        then `change` is None and `offer` is there. Raises `Conflict` where no session runs or none is
        limited, or where the policy refuses: its `code` says which rule.
        """
        key = idempotency_key or uuid.uuid4().hex
        request = body(seconds=seconds, reason=reason, idempotency_key=key, price_text=price_text)
        return decode(Extension, await self._http.write("POST", self._path("extend"), request))

    async def accept_offer(self, offer_id: str, *, user_id: str) -> Extension:
        """Agree to an offer for a user of the other side, who is present: only this moves the end."""
        where = self._path("extension_offers", offer_id, "accept")
        return decode(Extension, await self._http.write("POST", where, body(user_id=user_id)))

    async def decline_offer(self, offer_id: str, *, user_id: str | None = None) -> Extension:
        """Turn an offer down for a user of the other side; without a user, take it back."""
        where = self._path("extension_offers", offer_id, "decline")
        return decode(Extension, await self._http.write("POST", where, body(user_id=user_id)))

    async def request_extension(
        self, seconds: int, *, user_id: str, reason: str | None = None
    ) -> ExtensionRequest:
        """Ask for more time for a user who is present; whoever may extend answers."""
        request = body(seconds=seconds, user_id=user_id, reason=reason)
        answer = await self._http.write("POST", self._path("extension_requests"), request)
        return decode(ExtensionRequest, answer.get("request"))

    async def approve_request(
        self, request_id: str, *, reason: str | None = None, price_text: str | None = None
    ) -> Extension:
        """Grant a request, under the rules of every extension; it may become an offer, as in `extend`."""
        where = self._path("extension_requests", request_id, "approve")
        request = body(reason=reason, price_text=price_text)
        return decode(Extension, await self._http.write("POST", where, request))

    async def decline_request(self, request_id: str, *, reason: str | None = None) -> ExtensionRequest:
        """Turn a request down."""
        where = self._path("extension_requests", request_id, "decline")
        answer = await self._http.write("POST", where, body(reason=reason))
        return decode(ExtensionRequest, answer.get("request"))

    async def start_clock(self, *, reason: str | None = None) -> Change:
        """Start a clock that waits, whatever it waits for."""
        return await self._clock("start_clock", reason)

    async def pause(self, *, reason: str | None = None) -> Change:
        """Halt the running clock, for as long as `max_pause_seconds` leaves."""
        return await self._clock("pause", reason)

    async def resume(self, *, reason: str | None = None) -> Change:
        """Let a clock that was halted go on."""
        return await self._clock("resume", reason)

    async def waiting(self) -> list[Participant]:
        """Who is in the waiting room."""
        answer = await self._http.get(self._path("waiting"))
        return [decode(Participant, each) for each in answer["waiting"]]

    async def admit(self, user_id: str) -> list[Participant]:
        """Let a user in from the waiting room, with all their devices."""
        answer = await self._http.write("POST", self._path("admit"), body(user_id=user_id))
        return [decode(Participant, each) for each in answer["admitted"]]

    async def go_live(self) -> CallState:
        """Open the call: whoever waits comes in."""
        return self._state(await self._http.write("POST", self._path("go_live")))

    async def stop_live(self) -> CallState:
        """Close the call: newcomers wait again; a clock that runs goes on."""
        return self._state(await self._http.write("POST", self._path("stop_live")))

    async def verify(self, session_id: str) -> Verification:
        """Whether the session's record is what its ledger and event log come to."""
        return decode(Verification, await self._http.get(self._path("sessions", session_id, "verification")))

    async def end(self) -> CallState:
        """End the call for everybody; a second time changes nothing."""
        return self._state(await self._http.write("POST", self._path("end")))

    async def reopen(self) -> CallState:
        """Clear the end, so that everybody may join again; the next join starts a new session (rule 6)."""
        return self._state(await self._http.write("POST", self._path("reopen")))

    async def update_members(
        self,
        *,
        update: Iterable[Mapping[str, Any]] | None = None,
        remove: Iterable[str] | None = None,
    ) -> CallDetails:
        """Add or change members (`{"user_id", "role", "custom"}`), and remove those whose ids are given."""
        request = body(
            update_members=None if update is None else list(update),
            remove_members=None if remove is None else list(remove),
        )
        return decode(CallDetails, await self._http.write("POST", self._path("members"), request))

    async def delete(self) -> CallState:
        """Delete the call; a running session is ended first."""
        return self._state(await self._http.write("DELETE", self._path()))

    async def sessions(self, *, limit: int | None = None, next: str | None = None) -> Page[Session]:
        """The call's sessions, newest first."""
        answer = await self._http.get(self._path("sessions"), body(limit=limit, next=next))
        return Page(tuple(decode(Session, each) for each in answer["sessions"]), answer.get("next"))

    async def session(self, session_id: str) -> Session:
        """One session of the call."""
        answer = await self._http.get(self._path("sessions", session_id))
        return decode(Session, answer.get("session"))

    async def ledger(self, session_id: str) -> list[Change]:
        """Every change of the session's end, oldest first; their seconds add up to the deadline (rule 3)."""
        answer = await self._http.get(self._path("sessions", session_id, "ledger"))
        return [decode(Change, each) for each in answer["ledger"]]

    async def record(self, session_id: str) -> SessionRecord:
        """What is known of the session for billing, signed; see `callclock.records.verify`."""
        return _record_of(await self._http.get(self._path("sessions", session_id, "record")))

    async def record_csv(self, session_id: str) -> str:
        """The same record as CSV."""
        return (await self.signed_record_csv(session_id)).text

    async def signed_record_csv(self, session_id: str) -> SignedCsv:
        """The same with the signature over it; see `callclock.records.verify_csv`."""
        where = self._path("sessions", session_id, "record")
        response = await self._http.get_response(where, {"format": "csv"})
        return SignedCsv(text=response.text, signature=response.headers.get(SIGNATURE_HEADER))

    def events(self) -> AsyncEventStream:
        """What happens to this call, from now on; see `video.events`."""
        return self._open_stream([self.cid])

    async def _clock(self, deed: str, reason: str | None) -> Change:
        answer = await self._http.write("POST", self._path(deed), body(reason=reason))
        return decode(Change, answer.get("change"))

    def _path(self, *rest: str) -> str:
        return path("calls", self.type, self.id, *rest)

    def _state(self, answer: Mapping[str, Any]) -> CallState:
        return decode(CallState, answer.get("call"))


def _record_of(answer: Mapping[str, Any]) -> SessionRecord:
    document = answer.get("record")
    kept = {"document": document, "signature": answer.get("signature")}
    return decode(SessionRecord, document | kept if isinstance(document, dict) else document)

"""The rules of the event stream, without I/O.

Fed with the server's messages, it says what to send and what to hand on. It outlives connections: it knows
the last event of each call, so that a reconnect asks for what came after it, and no event is handed on twice.
Where the server cannot send that, or the numbering has a hole, the state is read anew (`StateRefreshed`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callclock._decoding import decode, parse_time
from callclock._problems import error_for_code
from callclock.errors import ApiError, UnexpectedAnswer
from callclock.events import CallEvent, CallUnwatched, StateRefreshed, read_event
from callclock.models import CallDetails

AUTH_FAILED = 4001
TOKEN_EXPIRED = 4002
# No hint of a server is obeyed for longer.
LONGEST_HINT_SECONDS = 60.0


@dataclass(frozen=True)
class Step:
    """What one message led to."""

    send: tuple[str, ...] = ()
    events: tuple[CallEvent, ...] = ()
    reconnect_in_seconds: float | None = None
    """The server's process stops; connect again after this time. Until then the stream goes on."""


class EventProtocol:
    """One client's side of the event stream for a set of calls."""

    def __init__(self, cids: Iterable[str]) -> None:
        self.connection_id: str | None = None
        self.cids = list(dict.fromkeys(cids))
        self._last_ids: dict[str, int] = {}
        self._rereading: set[str] = set()
        self._watched_before = False
        self._authenticated = False

    def hello(self, *, api_key: str, token: str) -> str:
        """The first message of a connection. A known connection id resumes the presence bound to it."""
        self._authenticated = False
        message = {"type": "auth", "api_key": api_key, "token": token}
        if self.connection_id is not None:
            message["connection_id"] = self.connection_id
        return json.dumps(message)

    def receive(self, text: str | bytes) -> Step:
        """Take in one message.

        Raises `ApiError` when the server refuses, `UnexpectedAnswer` when it speaks something else.
        """
        message = _parse(text)
        match message.get("type"):
            case "connection.ok":
                self._authenticated = True
                self.connection_id = message.get("connection_id")
                return Step(send=(_watch(self.cids, after=self._last_ids),))
            case "connection.reconnect":
                hint = float(message.get("delay_seconds") or 0.0)
                return Step(reconnect_in_seconds=min(max(hint, 0.0), LONGEST_HINT_SECONDS))
            case "watch.ok":
                return self._watch_ok(message)
            case "error":
                raise error_for_code(str(message.get("code", "error")), str(message.get("detail") or ""))
            case _ if "cid" in message:
                return self._event(read_event(message))
            case _:
                return Step()

    def closed(self, code: int | None, reason: str) -> ApiError | None:
        """The error that a closed connection stands for; None when it is worth connecting again."""
        self._rereading.clear()
        if code == AUTH_FAILED:
            return error_for_code(
                reason or "invalid-token", "The server does not accept the key or the secret."
            )
        if code == TOKEN_EXPIRED and not self._authenticated:
            return error_for_code(
                "token-expired", "The server takes a new token for expired; is this machine's clock right?"
            )
        return None

    def _watch_ok(self, message: Mapping[str, Any]) -> Step:
        refused = [(str(each.get("cid")), str(each.get("code"))) for each in message.get("errors") or ()]
        if refused and not self._watched_before:
            cid, code = refused[0]
            raise error_for_code(code, f"The call {cid} cannot be watched.")
        stamp = message.get("server_time")
        server_time = parse_time(stamp) if stamp else None
        events: list[CallEvent] = []
        replayed = set(message.get("replayed") or ())
        for entry in message.get("calls") or ():
            details = decode(CallDetails, entry)
            if details.call.cid in replayed:
                continue
            refreshed = self._refreshed(details, server_time)
            events.extend([refreshed] if refreshed else [])
        for cid, code in refused:
            self.cids = [each for each in self.cids if each != cid]
            events.append(CallUnwatched(type="call.unwatched", cid=cid, code=code))
        self._watched_before = True
        return Step(events=tuple(events))

    def _refreshed(self, details: CallDetails, server_time: datetime | None) -> StateRefreshed | None:
        call = details.call
        last = self._last_ids.get(call.cid)
        if call.cid in self._rereading:
            reason = "gap"
            self._rereading.discard(call.cid)
            # What came after the hole was handed on already and must not count as missing again.
            self._last_ids[call.cid] = max(last or 0, call.last_event_id)
        elif last == call.last_event_id:
            return None
        else:
            reason = "watching" if last is None else "reconnected"
            self._last_ids[call.cid] = call.last_event_id
        return StateRefreshed(
            type="call.state_refreshed",
            cid=call.cid,
            id=call.last_event_id,
            reason=reason,
            call=call,
            members=details.members,
            own_capabilities=details.own_capabilities,
            server_time=server_time,
        )

    def _event(self, event: CallEvent) -> Step:
        last = self._last_ids.get(event.cid)
        if last is not None and event.id <= last:
            return Step()
        self._last_ids[event.cid] = event.id
        if last is None or event.id == last + 1 or event.cid in self._rereading:
            return Step(events=(event,))
        self._rereading.add(event.cid)
        return Step(send=(_watch([event.cid]),), events=(event,))


def _watch(cids: list[str], *, after: Mapping[str, int] | None = None) -> str:
    message: dict[str, Any] = {"type": "watch", "cids": cids}
    heard = {cid: last for cid, last in (after or {}).items() if cid in cids}
    return json.dumps(message | ({"after": heard} if heard else {}))


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as exc:
        raise UnexpectedAnswer("The event stream sent something that is not JSON.") from exc
    if not isinstance(message, dict):
        raise UnexpectedAnswer("The event stream sent something that is not an object.")
    return message

"""What a client may say on the event stream, without I/O: text in, commands or faults out."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

AUTH_WITHIN_SECONDS = 10.0
HEALTH_CHECK_SECONDS = 10.0
MAX_MESSAGE_BYTES = 64 * 1024
MAX_CIDS_PER_MESSAGE = 1_000
MAX_WATCHED = 20_000
MAX_FAULTS = 20
MESSAGES_PER_SECOND = 50.0
MESSAGE_BURST = 200.0
CID = re.compile(r"[A-Za-z0-9_.\-]{1,64}:[A-Za-z0-9_.\-]{1,64}")


class CloseCode(enum.IntEnum):
    """Why the server closes an event stream."""

    AUTH_FAILED = 4001
    TOKEN_EXPIRED = 4002
    SLOW_READER = 4008
    BAD_MESSAGES = 4009
    RESTARTING = 1012
    TRY_AGAIN = 1013
    REPLACED = 4000


@dataclass(frozen=True, slots=True)
class Auth:
    api_key: str
    token: str
    connection_id: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """`after` tells, for calls that were watched before, the newest event that was heard."""

    cids: tuple[str, ...]
    after: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unwatch:
    cids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Fault:
    """The message is refused and the client is told; the connection lives."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Close:
    """The connection has to end."""

    code: CloseCode
    reason: str


Command = Auth | Watch | Unwatch | Ping
Outcome = Command | Fault | Close


@dataclass(slots=True)
class Conversation:
    """One client's side: authentication comes first and once, floods and nonsense end it (4009)."""

    authenticated: bool = False
    faults: int = 0
    _allowance: float = MESSAGE_BURST
    _last_at: float | None = field(default=None)

    def receive(self, message: str | bytes, *, now: float) -> Outcome:
        """Judge one message that arrived at `now` (monotonic seconds)."""
        if len(message) > MAX_MESSAGE_BYTES:
            return Close(CloseCode.BAD_MESSAGES, "message-too-large")
        if not self._within_rate(now):
            return Close(CloseCode.BAD_MESSAGES, "too-many-messages")
        outcome = self._parse(message)
        if isinstance(outcome, Fault):
            self.faults += 1
            if not self.authenticated:
                return Close(CloseCode.AUTH_FAILED, "authentication-required")
            if self.faults > MAX_FAULTS:
                return Close(CloseCode.BAD_MESSAGES, "too-many-faults")
            return outcome
        if not self.authenticated and not isinstance(outcome, Auth):
            return Close(CloseCode.AUTH_FAILED, "authentication-required")
        if self.authenticated and isinstance(outcome, Auth):
            return Fault("invalid-value", "This connection is authenticated already.")
        return outcome

    def _within_rate(self, now: float) -> bool:
        elapsed = 0.0 if self._last_at is None else max(0.0, now - self._last_at)
        self._last_at = now
        self._allowance = min(MESSAGE_BURST, self._allowance + elapsed * MESSAGES_PER_SECOND) - 1.0
        return self._allowance >= 0.0

    def _parse(self, message: str | bytes) -> Command | Fault:
        try:
            body = orjson.loads(message)
        except orjson.JSONDecodeError:
            return Fault("invalid-json", "The message is not valid JSON.")
        if not isinstance(body, dict):
            return Fault("invalid-value", "The message must be a JSON object.")
        kind = body.get("type")
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            return Fault("invalid-value", "type must be one of: auth, watch, unwatch, ping.")
        return reader(body)


def _read_auth(body: Mapping[str, Any]) -> Auth | Fault:
    api_key, token, connection_id = body.get("api_key"), body.get("token"), body.get("connection_id")
    if not isinstance(api_key, str) or not isinstance(token, str):
        return Fault("missing-field", "auth needs api_key and token, both strings.")
    if connection_id is not None and not isinstance(connection_id, str):
        return Fault("invalid-value", "connection_id must be a string.")
    return Auth(api_key, token, connection_id)


def _read_cids(body: Mapping[str, Any]) -> tuple[str, ...] | Fault:
    cids = body.get("cids")
    if not isinstance(cids, list) or not cids:
        return Fault("missing-field", "cids must be a list of call ids such as appointment:test-call.")
    if len(cids) > MAX_CIDS_PER_MESSAGE:
        return Fault("invalid-value", f"One message may name at most {MAX_CIDS_PER_MESSAGE} calls.")
    if not all(isinstance(cid, str) and CID.fullmatch(cid) for cid in cids):
        return Fault("invalid-id", "A call id is written type:id.")
    return tuple(dict.fromkeys(cids))


def _read_watch(body: Mapping[str, Any]) -> Watch | Fault:
    cids = _read_cids(body)
    if isinstance(cids, Fault):
        return cids
    after = body.get("after")
    if after is None:
        return Watch(cids)
    if not isinstance(after, dict) or not all(type(heard) is int and heard >= 0 for heard in after.values()):
        return Fault("invalid-value", "after must be an object: the id of the last event heard by call id.")
    return Watch(cids, {cid: after[cid] for cid in cids if cid in after})


def _read_unwatch(body: Mapping[str, Any]) -> Unwatch | Fault:
    cids = _read_cids(body)
    return cids if isinstance(cids, Fault) else Unwatch(cids)


def _read_ping(_body: Mapping[str, Any]) -> Ping:
    return Ping()


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Command | Fault]] = {
    "auth": _read_auth,
    "watch": _read_watch,
    "unwatch": _read_unwatch,
    "ping": _read_ping,
}

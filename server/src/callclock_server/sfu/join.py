"""What a client asks for when it connects: the query of `/rtc` and the join request of `/rtc/v1`.

Pure functions. Sources: livekit-client 2.23 `SignalClient.ts`, livekit `rtcservice.go`.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from google.protobuf.message import DecodeError
from livekit.protocol import models, rtc

MAX_JOIN_REQUEST_BYTES = 1024 * 1024

_SDKS: dict[str, models.ClientInfo.SDK] = {
    name.lower(): cast("models.ClientInfo.SDK", number) for name, number in models.ClientInfo.SDK.items()
}


class JoinError(ValueError):
    """The connection request is malformed."""


@dataclass(frozen=True, slots=True)
class JoinParameters:
    """One connection request. `participant_sid` names the participant that a reconnect resumes."""

    single_connection: bool
    auto_subscribe: bool = True
    adaptive_stream: bool = False
    reconnect: bool = False
    participant_sid: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    client: models.ClientInfo = field(default_factory=models.ClientInfo)
    publisher_offer: rtc.SessionDescription | None = None
    add_tracks: tuple[rtc.AddTrackRequest, ...] = ()
    sync_state: rtc.SyncState | None = None


def read_v0(query: Mapping[str, str]) -> JoinParameters:
    """Read the query parameters of `/rtc`. Raises `JoinError`."""
    reconnect = _flag(query.get("reconnect", ""))
    return JoinParameters(
        single_connection=False,
        auto_subscribe=_flag(query.get("auto_subscribe", "1")),
        adaptive_stream=_flag(query.get("adaptive_stream", "")),
        reconnect=reconnect,
        participant_sid=query.get("sid", "") if reconnect else "",
        attributes=_attributes(query.get("attributes", "")),
        client=models.ClientInfo(
            sdk=_SDKS.get(query.get("sdk", "").lower(), models.ClientInfo.SDK.UNKNOWN),
            version=query.get("version", ""),
            protocol=_number(query.get("protocol", "")),
            client_protocol=_number(query.get("client_protocol", "")),
            os=query.get("os", ""),
            os_version=query.get("os_version", ""),
            browser=query.get("browser", ""),
            browser_version=query.get("browser_version", ""),
            device_model=query.get("device_model", ""),
        ),
    )


def read_v1(query: Mapping[str, str]) -> JoinParameters:
    """Read the join request of `/rtc/v1`. Raises `JoinError`."""
    encoded = query.get("join_request", "")
    if not encoded:
        raise JoinError("join_request is required")
    request = rtc.JoinRequest()
    try:
        wrapped = rtc.WrappedJoinRequest()
        wrapped.ParseFromString(_base64(encoded))
        request.ParseFromString(_unwrap(wrapped))
    except (binascii.Error, ValueError, DecodeError, zlib.error) as exc:
        raise JoinError("join_request cannot be read") from exc
    settings = request.connection_settings
    return JoinParameters(
        single_connection=True,
        auto_subscribe=settings.auto_subscribe,
        adaptive_stream=settings.adaptive_stream,
        reconnect=request.reconnect,
        participant_sid=request.participant_sid,
        metadata=request.metadata,
        attributes={key: value for key, value in request.participant_attributes.items() if value},
        client=request.client_info,
        publisher_offer=request.publisher_offer if request.HasField("publisher_offer") else None,
        add_tracks=tuple(request.add_track_requests),
        sync_state=request.sync_state if request.HasField("sync_state") else None,
    )


def _unwrap(wrapped: rtc.WrappedJoinRequest) -> bytes:
    if wrapped.compression == rtc.WrappedJoinRequest.Compression.NONE:
        return wrapped.join_request
    # 31: a gzip header, the largest window (zlib manual); bounded against a compression bomb.
    inflater = zlib.decompressobj(31)
    inflated = inflater.decompress(wrapped.join_request, MAX_JOIN_REQUEST_BYTES)
    if inflater.unconsumed_tail:
        raise JoinError("join request too large")
    return inflated


def _attributes(encoded: str) -> dict[str, str]:
    if not encoded:
        return {}
    try:
        read = json.loads(_base64(encoded))
    except ValueError as exc:
        raise JoinError("cannot decode attributes") from exc
    if not isinstance(read, dict):
        raise JoinError("cannot decode attributes")
    return {str(key): str(value) for key, value in read.items() if value}


def _base64(encoded: str) -> bytes:
    """Decode URL-safe base64 whose padding may be absent."""
    padded = encoded + "=" * (-len(encoded) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)


def _flag(value: str) -> bool:
    return value in ("1", "true")


def _number(value: str) -> int:
    return int(value) if value.isdigit() and len(value) < 10 else 0

"""Data packets between participants: what may pass, whose name is on it, who gets it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import DecodeError
from livekit.protocol import models

RELIABLE = "_reliable"
LOSSY = "_lossy"
DATA_TRACK = "_data_track"
"""Labels of the data channels; `_data_track` is opened by clients but not served."""

MAX_PACKET_BYTES = 65536

_FORWARDED = frozenset(
    {
        "user",
        "sip_dtmf",
        "transcription",
        "chat_message",
        "rpc_request",
        "rpc_ack",
        "rpc_response",
        "stream_header",
        "stream_chunk",
        "stream_trailer",
        "encrypted_packet",
    }
)
"""Kinds that clients may send each other; speaker lists and metrics are the server's."""


def kind_of(label: str) -> models.DataPacket.Kind | None:
    """The packet kind of a channel label, None for a channel that carries no packets."""
    kinds = {RELIABLE: models.DataPacket.Kind.RELIABLE, LOSSY: models.DataPacket.Kind.LOSSY}
    return kinds.get(label)


def label_of(kind: int) -> str:
    """The channel label of a packet kind."""
    return LOSSY if kind == models.DataPacket.Kind.LOSSY else RELIABLE


def stamped(payload: bytes, *, label: str, identity: str, sid: str) -> models.DataPacket | None:
    """Read a client's packet and write the true sender on it; None when it must not pass.

    Whatever sender the client claims is overwritten, in the packet and in an enclosed user packet.
    """
    kind = kind_of(label)
    packet = models.DataPacket()
    if kind is None or len(payload) > MAX_PACKET_BYTES:
        return None
    try:
        packet.ParseFromString(payload)
    except DecodeError:
        return None
    content = packet.WhichOneof("value")
    if content not in _FORWARDED:
        return None
    packet.kind = kind
    packet.participant_identity = identity
    packet.participant_sid = sid
    if content == "user":
        packet.user.participant_identity = identity
        packet.user.participant_sid = sid
        if packet.user.destination_identities and not packet.destination_identities:
            packet.destination_identities.extend(packet.user.destination_identities)
    return packet


def recipients(packet: models.DataPacket, present: Iterable[tuple[str, str]], *, sender_sid: str) -> set[str]:
    """The sids among `present` (sid, identity) that get the packet; never the sender itself."""
    identities = set(packet.destination_identities)
    sids = set(packet.user.destination_sids) if packet.WhichOneof("value") == "user" else set()
    everyone = not identities and not sids
    return {
        sid
        for sid, identity in present
        if sid != sender_sid and (everyone or identity in identities or sid in sids)
    }

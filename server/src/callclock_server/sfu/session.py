"""The life of one signalling connection: join or resume, serve requests, note the end."""

from __future__ import annotations

from livekit.protocol import models, rtc

from callclock_server.sfu.codecs import PUBLISH_MIME_TYPES
from callclock_server.sfu.join import JoinParameters
from callclock_server.sfu.media import MediaPort
from callclock_server.sfu.participant import Participant
from callclock_server.sfu.requests import handle, sync
from callclock_server.sfu.room import Reason, Room
from callclock_server.sfu.signal_socket import NORMAL, PROTOCOL_ERROR, ProtocolViolation, SignalSocket
from callclock_server.sfu.tokens import Grants

PROTOCOL_VERSION = 16
PING_INTERVAL_SECONDS = 5
PING_TIMEOUT_SECONDS = 15


async def serve(
    socket: SignalSocket,
    *,
    room: Room,
    grants: Grants,
    parameters: JoinParameters,
    media: MediaPort,
    server_version: str,
) -> None:
    """Run a signalling connection to its end."""
    server = models.ServerInfo(version=server_version, protocol=PROTOCOL_VERSION)
    try:
        if parameters.reconnect:
            participant = _resume(socket, room, grants, parameters, server)
        else:
            participant = _join(socket, room, grants, parameters, media, server)
    except ProtocolViolation:
        socket.close(PROTOCOL_ERROR)
        participant = room.participant(grants.identity)
    if participant is None:
        await socket.run(lambda request: None)
        return
    joined = participant
    try:
        await socket.run(lambda request: handle(joined, request))
    finally:
        joined.detach(socket, now=room.now())


def _join(
    socket: SignalSocket,
    room: Room,
    grants: Grants,
    parameters: JoinParameters,
    media: MediaPort,
    server: models.ServerInfo,
) -> Participant:
    participant = Participant(room, grants, parameters, media=media, now=room.now())
    room.admit(participant)
    participant.attach(socket)
    participant.send(
        join=rtc.JoinResponse(
            room=room.info(),
            participant=participant.info(),
            other_participants=room.others(participant),
            server_version=server.version,
            server_info=server,
            subscriber_primary=not parameters.single_connection,
            ping_interval=PING_INTERVAL_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            client_configuration=models.ClientConfiguration(),
            enabled_publish_codecs=[models.Codec(mime=mime) for mime in PUBLISH_MIME_TYPES],
            fast_publish=grants.can_publish or grants.can_publish_data,
        )
    )
    room.announce(participant)
    for request in parameters.add_tracks:
        participant.publishing.request(request)
    participant.negotiation.start()
    if parameters.publisher_offer is not None:
        participant.negotiation.on_offer(parameters.publisher_offer)
    return participant


def _resume(
    socket: SignalSocket, room: Room, grants: Grants, parameters: JoinParameters, server: models.ServerInfo
) -> Participant | None:
    participant = room.participant(grants.identity)
    known = (
        participant is not None
        and participant.sid == parameters.participant_sid
        and participant.single_connection == parameters.single_connection
    )
    if participant is None or not known:
        leave = rtc.LeaveRequest(
            can_reconnect=True, reason=Reason.STATE_MISMATCH, action=rtc.LeaveRequest.Action.RECONNECT
        )
        socket.send(rtc.SignalResponse(leave=leave))
        socket.close(NORMAL)
        return None
    participant.attach(socket)
    participant.send(
        reconnect=rtc.ReconnectResponse(
            client_configuration=models.ClientConfiguration(),
            server_info=server,
            last_message_seq=participant.last_reliable_sequence,
        )
    )
    everybody = [participant.info(), *room.others(participant)]
    participant.send(update=rtc.ParticipantUpdate(participants=everybody))
    participant.send(room_update=rtc.RoomUpdate(room=room.info()))
    if parameters.sync_state is not None:
        sync(participant, parameters.sync_state)
    if participant.present:
        participant.negotiation.resume()
        if parameters.publisher_offer is not None:
            participant.negotiation.on_offer(parameters.publisher_offer)
    return participant

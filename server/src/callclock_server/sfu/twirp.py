"""The room API: Twirp over HTTP, service `livekit.RoomService` (protobuf or JSON bodies).

Grants as in LiveKit: `roomCreate` to create and delete, `roomList` to list, `roomAdmin` for the token's
own room for the rest. Errors are Twirp's JSON `{code, msg}` with its HTTP status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message
from livekit.protocol import models, rtc
from livekit.protocol import room as api

from callclock_server.sfu.participant import Participant
from callclock_server.sfu.requests import MAX_METADATA_BYTES, fits, update_metadata
from callclock_server.sfu.room import Reason, Room, RoomSettings
from callclock_server.sfu.rooms import ROOM_NOT_FOUND, Rooms
from callclock_server.sfu.tokens import Grants

PATH_PREFIX = "/twirp/livekit.RoomService/"
MAX_ROOM_NAME_LENGTH = 256
MAX_DATA_BYTES = 60_000

_STATUS = {
    "malformed": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "bad_route": 404,
    "not_found": 404,
    "failed_precondition": 412,
    "unimplemented": 501,
}


class TwirpError(Exception):
    """A refused call: `code` is Twirp's, `status` its HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = _STATUS[code]


@dataclass(frozen=True, slots=True)
class RoomDefaults:
    """What a created room gets where the request says nothing (seconds)."""

    empty_timeout: int = 300
    departure_timeout: int = 20
    remote_unmute: bool = False


class RoomApi:
    """Serves the room API on the given rooms."""

    def __init__(self, rooms: Rooms, *, defaults: RoomDefaults) -> None:
        self._rooms = rooms
        self._defaults = defaults
        self._methods: Mapping[str, tuple[type[Message], Callable[[Any, Grants], Message]]] = {
            "CreateRoom": (api.CreateRoomRequest, self._create_room),
            "ListRooms": (api.ListRoomsRequest, self._list_rooms),
            "DeleteRoom": (api.DeleteRoomRequest, self._delete_room),
            "ListParticipants": (api.ListParticipantsRequest, self._list_participants),
            "GetParticipant": (api.RoomParticipantIdentity, self._get_participant),
            "RemoveParticipant": (api.RoomParticipantIdentity, self._remove_participant),
            "MutePublishedTrack": (api.MuteRoomTrackRequest, self._mute_published_track),
            "UpdateParticipant": (api.UpdateParticipantRequest, self._update_participant),
            "UpdateSubscriptions": (api.UpdateSubscriptionsRequest, self._update_subscriptions),
            "SendData": (api.SendDataRequest, self._send_data),
            "UpdateRoomMetadata": (api.UpdateRoomMetadataRequest, self._update_room_metadata),
        }

    def call(self, method: str, body: bytes, *, json: bool, grants: Grants) -> bytes:
        """Serve one call and return the response body. Raises `TwirpError`."""
        if method in ("ForwardParticipant", "MoveParticipant", "PerformRpc"):
            raise TwirpError("unimplemented", f"{method} is not served by this room server")
        if method not in self._methods:
            raise TwirpError("bad_route", f"no handler for {method[:64]!r}")
        kind, serve = self._methods[method]
        request = kind()
        try:
            if json:
                Parse(body, request, ignore_unknown_fields=True)
            else:
                request.ParseFromString(body)
        except (DecodeError, ParseError, UnicodeDecodeError) as exc:
            raise TwirpError("malformed", "the request body could not be decoded") from exc
        response = serve(request, grants)
        return MessageToJson(response, indent=None).encode() if json else response.SerializeToString()

    def _create_room(self, request: api.CreateRoomRequest, grants: Grants) -> models.Room:
        _require(grants.room_create)
        if not 0 < len(request.name) <= MAX_ROOM_NAME_LENGTH:
            raise TwirpError("invalid_argument", f"a room name of 1 to {MAX_ROOM_NAME_LENGTH} characters")
        _check_metadata(request.metadata)
        settings = RoomSettings(
            name=request.name,
            metadata=request.metadata,
            empty_timeout=request.empty_timeout or self._defaults.empty_timeout,
            departure_timeout=request.departure_timeout or self._defaults.departure_timeout,
            max_participants=request.max_participants,
        )
        return self._rooms.create(settings).info()

    def _list_rooms(self, request: api.ListRoomsRequest, grants: Grants) -> api.ListRoomsResponse:
        _require(grants.room_list)
        return api.ListRoomsResponse(rooms=[room.info() for room in self._rooms.all(request.names)])

    def _delete_room(self, request: api.DeleteRoomRequest, grants: Grants) -> api.DeleteRoomResponse:
        _require(grants.room_create)
        if not self._rooms.delete(request.room):
            raise TwirpError("not_found", ROOM_NOT_FOUND)
        return api.DeleteRoomResponse()

    def _list_participants(
        self, request: api.ListParticipantsRequest, grants: Grants
    ) -> api.ListParticipantsResponse:
        room = self._room(request.room, grants)
        return api.ListParticipantsResponse(participants=[p.info() for p in room.participants])

    def _get_participant(
        self, request: api.RoomParticipantIdentity, grants: Grants
    ) -> models.ParticipantInfo:
        return self._participant(request.room, request.identity, grants).info()

    def _remove_participant(
        self, request: api.RoomParticipantIdentity, grants: Grants
    ) -> api.RemoveParticipantResponse:
        room = self._room(request.room, grants)
        if request.revoke_token_ts:
            room.revoke(request.identity, issued_before=request.revoke_token_ts)
        participant = self._participant(request.room, request.identity, grants)
        participant.leave_with(Reason.PARTICIPANT_REMOVED)
        room.remove(participant, reason=Reason.PARTICIPANT_REMOVED)
        return api.RemoveParticipantResponse()

    def _mute_published_track(
        self, request: api.MuteRoomTrackRequest, grants: Grants
    ) -> api.MuteRoomTrackResponse:
        participant = self._participant(request.room, request.identity, grants)
        if not request.muted and not self._defaults.remote_unmute:
            raise TwirpError("failed_precondition", "remote unmute not enabled")
        track = participant.publishing.mute(request.track_sid, request.muted)
        if track is None:
            raise TwirpError("not_found", "track is not found")
        participant.send(mute=rtc.MuteTrackRequest(sid=request.track_sid, muted=request.muted))
        return api.MuteRoomTrackResponse(track=track)

    def _update_participant(
        self, request: api.UpdateParticipantRequest, grants: Grants
    ) -> models.ParticipantInfo:
        attributes = dict(request.attributes)
        if not fits(name=request.name, metadata=request.metadata, attributes=attributes):
            raise TwirpError("invalid_argument", "name, metadata or attributes exceed the limits")
        participant = self._participant(request.room, request.identity, grants)
        if request.HasField("permission"):
            set_permission(participant, request.permission)
        if request.name or request.metadata or attributes:
            update_metadata(
                participant,
                name=request.name or None,
                metadata=request.metadata or None,
                attributes=attributes,
            )
        return participant.info()

    def _update_subscriptions(
        self, request: api.UpdateSubscriptionsRequest, grants: Grants
    ) -> api.UpdateSubscriptionsResponse:
        participant = self._participant(request.room, request.identity, grants)
        entries = request.participant_tracks
        sids = [*request.track_sids, *(sid for entry in entries for sid in entry.track_sids)]
        participant.subscribing.choose(sids, request.subscribe)
        return api.UpdateSubscriptionsResponse()

    def _send_data(self, request: api.SendDataRequest, grants: Grants) -> api.SendDataResponse:
        room = self._room(request.room, grants)
        if len(request.nonce) not in (0, 16):
            raise TwirpError("invalid_argument", "nonce should be 16 bytes or absent")
        if len(request.data) > MAX_DATA_BYTES:
            raise TwirpError("invalid_argument", f"data of more than {MAX_DATA_BYTES} bytes")
        user = models.UserPacket(
            payload=request.data,
            destination_sids=request.destination_sids,
            destination_identities=request.destination_identities,
            nonce=request.nonce,
        )
        if request.HasField("topic"):
            user.topic = request.topic
        identities = request.destination_identities
        room.send_data(models.DataPacket(kind=request.kind, user=user, destination_identities=identities))
        return api.SendDataResponse()

    def _update_room_metadata(self, request: api.UpdateRoomMetadataRequest, grants: Grants) -> models.Room:
        _check_metadata(request.metadata)
        room = self._room(request.room, grants)
        room.set_metadata(request.metadata)
        return room.info()

    def _room(self, name: str, grants: Grants) -> Room:
        _require(grants.may_administer(name))
        room = self._rooms.get(name)
        if room is None:
            raise TwirpError("not_found", ROOM_NOT_FOUND)
        return room

    def _participant(self, name: str, identity: str, grants: Grants) -> Participant:
        participant = self._room(name, grants).participant(identity)
        if participant is None:
            raise TwirpError("not_found", "participant does not exist")
        return participant


def set_permission(participant: Participant, permission: models.ParticipantPermission) -> None:
    """Replace a participant's permissions: cut what is forbidden now, then tell, then allow.

    Tracks that lost their grant are silenced before anything is sent; the client gets a fresh token
    with the next tick, so that a full reconnect does not bring the old permissions back.
    """
    changed = participant.grants.with_permission(permission)
    if changed == participant.grants:
        return
    participant.grants = changed
    participant.publishing.enforce()
    participant.touch()
    participant.room.participant_changed(participant)
    participant.subscribing.reconcile_all()
    participant.refresh_at = participant.room.now()


def _require(allowed: bool) -> None:
    if not allowed:
        raise TwirpError("unauthenticated", "permissions denied")


def _check_metadata(metadata: str) -> None:
    if len(metadata.encode()) > MAX_METADATA_BYTES:
        raise TwirpError("invalid_argument", f"metadata of more than {MAX_METADATA_BYTES} bytes")

"""What a role can be granted on a call type (design section 4)."""

from __future__ import annotations

from enum import StrEnum


class VideoOwnCapability(StrEnum):
    """A capability; each member is also the plain string that the server speaks."""

    JOIN_CALL = "join-call"
    READ_CALL = "read-call"
    CREATE_CALL = "create-call"
    JOIN_ENDED_CALL = "join-ended-call"
    JOIN_BACKSTAGE = "join-backstage"
    UPDATE_CALL = "update-call"
    UPDATE_CALL_SETTINGS = "update-call-settings"
    CHANGE_MAX_DURATION = "change-max-duration"
    SCREENSHARE = "screenshare"
    SEND_VIDEO = "send-video"
    SEND_AUDIO = "send-audio"
    END_CALL = "end-call"
    MUTE_USERS = "mute-users"
    UPDATE_CALL_PERMISSIONS = "update-call-permissions"
    BLOCK_USERS = "block-users"
    REMOVE_CALL_MEMBER = "remove-call-member"
    START_RECORD_CALL = "start-record-call"
    STOP_RECORD_CALL = "stop-record-call"
    START_BROADCAST_CALL = "start-broadcast-call"
    STOP_BROADCAST_CALL = "stop-broadcast-call"
    START_TRANSCRIPTION_CALL = "start-transcription-call"
    STOP_TRANSCRIPTION_CALL = "stop-transcription-call"
    CREATE_REACTION = "create-reaction"
    PIN_FOR_EVERYONE = "pin-for-everyone"

"""Python SDK for Callclock: video calls that end on time.

    from callclock import StreamClient

    with StreamClient(api_key, secret) as client:
        client.video.call("appointment", "monday-9").extend(1800, reason="more to discuss")

`AsyncStreamClient` is the same with `await`. Everything public is named here; the rest may change.
"""

from callclock._async.call import AsyncCall
from callclock._async.client import AsyncStreamClient
from callclock._async.event_stream import AsyncEventStream
from callclock._async.travel import AsyncTestClock
from callclock._async.video import AsyncVideo
from callclock._sync.call import Call
from callclock._sync.client import StreamClient
from callclock._sync.event_stream import EventStream
from callclock._sync.travel import TestClock
from callclock._sync.video import Video
from callclock.capabilities import VideoOwnCapability
from callclock.errors import (
    ApiError,
    AuthenticationError,
    CallclockError,
    Conflict,
    ConnectionFailed,
    FieldError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
)
from callclock.events import (
    CallCreated,
    CallDeleted,
    CallEnded,
    CallEvent,
    CallUnwatched,
    CallUpdated,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    ParticipantJoined,
    ParticipantLeft,
    PermissionsUpdated,
    SessionClockChanged,
    SessionEnded,
    SessionStarted,
    SessionTimerWarning,
    StateRefreshed,
)
from callclock.models import (
    AudioSettings,
    BackstageSettings,
    CallDetails,
    CallSettings,
    CallState,
    CallType,
    Capability,
    Change,
    Extension,
    JoinedCall,
    LimitSettings,
    MediaAccess,
    MediaSettings,
    Member,
    Page,
    Participant,
    ParticipantRecord,
    PresenceInterval,
    Role,
    ScreensharingSettings,
    Session,
    SessionClock,
    SessionRecord,
    TargetResolution,
    User,
    VideoSettings,
)
from callclock.retries import RetryPolicy

__all__ = [
    "ApiError",
    "AsyncCall",
    "AsyncEventStream",
    "AsyncStreamClient",
    "AsyncTestClock",
    "AsyncVideo",
    "AudioSettings",
    "AuthenticationError",
    "BackstageSettings",
    "Call",
    "CallCreated",
    "CallDeleted",
    "CallDetails",
    "CallEnded",
    "CallEvent",
    "CallSettings",
    "CallState",
    "CallType",
    "CallUnwatched",
    "CallUpdated",
    "CallclockError",
    "Capability",
    "Change",
    "Conflict",
    "ConnectionFailed",
    "EventStream",
    "Extension",
    "FieldError",
    "InvalidInput",
    "JoinedCall",
    "LimitSettings",
    "MediaAccess",
    "MediaSettings",
    "Member",
    "MemberAdded",
    "MemberRemoved",
    "MemberUpdated",
    "NotFound",
    "Page",
    "Participant",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantRecord",
    "PermissionDenied",
    "PermissionsUpdated",
    "PresenceInterval",
    "RateLimited",
    "RetryPolicy",
    "Role",
    "ScreensharingSettings",
    "ServerError",
    "Session",
    "SessionClock",
    "SessionClockChanged",
    "SessionEnded",
    "SessionRecord",
    "SessionStarted",
    "SessionTimerWarning",
    "StateRefreshed",
    "StreamClient",
    "TargetResolution",
    "TestClock",
    "TimedOut",
    "UnexpectedAnswer",
    "User",
    "Video",
    "VideoOwnCapability",
    "VideoSettings",
]

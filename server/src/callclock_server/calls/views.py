"""The JSON shapes of answers and events, built in one place. Times are RFC 3339 text with microseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from callclock_server.domain.call import CallType, Member, Role, User
from callclock_server.domain.record import Attendance, Record
from callclock_server.domain.session import Change, Participant, Session

from .answers import View
from .clock_views import clock_view
from .state import CallState
from .times import maybe_rfc3339, rfc3339


def role_view(role: Role) -> View:
    return {"name": role.name, "built_in": role.built_in, "created_at": rfc3339(role.created_at)}


def call_type_view(call_type: CallType) -> View:
    """`settings` are the effective ones, `settings_override` is what the type itself changes."""
    return {
        "name": call_type.name,
        "grants": call_type.grants,
        "settings": call_type.effective_settings,
        "settings_override": call_type.settings,
        "members_only": call_type.members_only,
        "built_in": call_type.built_in,
        "created_at": rfc3339(call_type.created_at),
        "updated_at": rfc3339(call_type.updated_at),
    }


def user_view(user: User) -> View:
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "image": user.image,
        "custom": user.custom,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
    }


def member_view(member: Member, user: User) -> View:
    return {
        "user_id": member.user_id,
        "user": user_view(user),
        "role": member.role,
        "custom": member.custom,
        "created_at": rfc3339(member.created_at),
        "updated_at": rfc3339(member.updated_at),
    }


def participant_view(participant: Participant, users: Mapping[str, User]) -> View:
    """A participant; of a user who was deleted meanwhile only the id is left."""
    user = users.get(participant.user_id)
    return {
        "id": participant.id,
        "user_id": participant.user_id,
        "user": {
            "id": participant.user_id,
            "name": user.name if user else None,
            "role": user.role if user else participant.role,
            "image": user.image if user else None,
        },
        "role": participant.role,
        "joined_at": maybe_rfc3339(participant.joined_at),
        "left_at": maybe_rfc3339(participant.left_at),
        "device_id": participant.device_id,
        "waiting_since": maybe_rfc3339(participant.waiting_since),
    }


def session_view(
    session: Session, users: Mapping[str, User], *, now: datetime, expected: Sequence[User] = ()
) -> View:
    """A session with those who are present; `expected` are members whose roles a waiting clock needs."""
    present = [p for p in session.participants if p.present]
    return {
        "id": session.id,
        "call_cid": session.cid,
        "started_at": rfc3339(session.started_at),
        "timer_ends_at": maybe_rfc3339(session.timer_ends_at),
        "ended_at": maybe_rfc3339(session.ended_at),
        "ended_reason": session.ended_reason,
        "max_duration_seconds": session.max_duration_seconds,
        "participants": [participant_view(p, users) for p in present],
        "participants_count_by_role": dict(Counter(p.role for p in present)),
        "clock": clock_view(session, users, now=session.ended_at or now, expected=expected),
    }


def call_view(state: CallState, *, now: datetime) -> View:
    """A call with its running session, or null."""
    call, session = state.call, state.session
    creator = state.users.get(call.created_by_id) if call.created_by_id is not None else None
    return {
        "cid": call.cid,
        "type": call.type,
        "id": call.id,
        "created_by": user_view(creator) if creator else None,
        "created_at": rfc3339(call.created_at),
        "updated_at": rfc3339(call.updated_at),
        "starts_at": maybe_rfc3339(call.starts_at),
        "ended_at": maybe_rfc3339(call.ended_at),
        "ended_reason": call.ended_reason,
        "settings": state.settings,
        "settings_override": call.settings_override,
        "members_only": state.call_type.members_only,
        "custom": call.custom,
        "last_event_id": call.last_event_id,
        "last_session_id": call.last_session_id,
        "session": session_view(session, state.users, now=now, expected=state.expected) if session else None,
    }


def change_view(change: Change) -> View:
    """A row of the ledger."""
    return {
        "id": change.id,
        "session_id": change.session_id,
        "how": change.how,
        "by": change.by,
        "at": rfc3339(change.at),
        "old_ends_at": maybe_rfc3339(change.old_ends_at),
        "new_ends_at": maybe_rfc3339(change.new_ends_at),
        "seconds": change.seconds,
        "reason": change.reason,
        "idempotency_key": change.idempotency_key,
        "details": change.details,
    }


def record_view(session: Session, record: Record, changes: Sequence[Change]) -> View:
    """The record of a session; waiting, pauses and overtime are 0 on the plain clock."""
    fair = session.fair
    return {
        "session_id": session.id,
        "call_cid": session.cid,
        "started_at": rfc3339(session.started_at),
        "started_running_at": maybe_rfc3339(fair.started_running_at if fair else session.started_at),
        "ended_at": maybe_rfc3339(session.ended_at),
        "ended_reason": session.ended_reason,
        "void": session.void,
        "wall_seconds": record.wall_seconds,
        "waiting_seconds": record.waiting_seconds,
        "running_seconds": record.running_seconds,
        "paused_seconds": record.paused_seconds,
        "overtime_seconds": record.overtime_seconds,
        "all_present_seconds": record.all_present_seconds,
        "required_present_seconds": record.required_present_seconds,
        "intervals": [
            {
                "state": part.state,
                "started_at": rfc3339(part.started_at),
                "ended_at": rfc3339(part.ended_at),
                "seconds": part.seconds,
            }
            for part in record.intervals
        ],
        "participants": [_attendance_view(attendance) for attendance in record.attendance],
        "ledger": [change_view(change) for change in changes],
    }


def _attendance_view(attendance: Attendance) -> View:
    return {
        "user_id": attendance.user_id,
        "role": attendance.role,
        "present_seconds": attendance.present_seconds,
        "presence": [
            {"joined_at": rfc3339(begin), "left_at": rfc3339(stop)} for begin, stop in attendance.presence
        ],
        "intervals": [
            {
                "joined_at": maybe_rfc3339(stay.joined_at),
                "left_at": maybe_rfc3339(stay.left_at),
                "device_id": stay.device_id,
            }
            for stay in attendance.stays
        ],
    }

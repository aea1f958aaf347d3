"""Answers: every one is an object with `server_time`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from callclock_server.api.schemas import objects
from callclock_server.api.schemas.fields import Time


class Answer(BaseModel):
    server_time: Time


class Page(Answer):
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class RoleAnswer(Answer):
    role: objects.Role


class RolesAnswer(Answer):
    roles: list[objects.Role]


class CapabilitiesAnswer(Answer):
    capabilities: list[objects.Capability]


class CallTypeAnswer(Answer):
    call_type: objects.CallType


class CallTypesAnswer(Answer):
    call_types: list[objects.CallType]


class UserAnswer(Answer):
    user: objects.User


class UsersAnswer(Answer):
    users: dict[str, objects.User]


class UsersPage(Page):
    users: list[objects.User]


class CallStateAnswer(Answer, objects.CallState):
    pass


class CreatedCallAnswer(CallStateAnswer):
    created: bool


class JoinAnswer(CreatedCallAnswer):
    participant: objects.Participant
    media: objects.MediaAccess | None = Field(description="Null when the media engine is none.")


class CallAnswer(Answer):
    call: objects.Call


class ExtendAnswer(CallAnswer):
    change: objects.Change


class MembersAnswer(CallAnswer):
    members: list[objects.Member]


class SessionAnswer(Answer):
    session: objects.Session


class SessionsPage(Page):
    sessions: list[objects.Session]


class LedgerAnswer(Answer):
    ledger: list[objects.Change]


class RecordAnswer(Answer):
    record: objects.Record
    signature: objects.RecordSignature


class CallsPage(Page):
    calls: list[objects.CallState]


class DeletedAnswer(Answer):
    pass


class TestClockAnswer(Answer):
    test_clock: objects.TestClock


class HealthAnswer(Answer):
    status: str


class ProblemField(BaseModel):
    field: str = Field(description="Dotted path from the top of the body.")
    detail: str
    code: str


class Problem(Answer):
    """A refusal (RFC 9457). Decide by `code`: it is stable."""

    type: str = Field(description="Relative URI of the documentation of the code.")
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemField] | None = Field(
        default=None, description="Field by field, when fields are at fault."
    )
    capability: str | None = Field(default=None, description="With missing-capability: which one.")

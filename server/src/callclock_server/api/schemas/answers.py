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
    waiting: bool = Field(description="In the waiting room: join again when you are admitted.")
    media: objects.MediaAccess | None = Field(
        description="Null when the media engine is none, and while waiting."
    )


class CallAnswer(Answer):
    call: objects.Call


class ExtendAnswer(CallAnswer):
    change: objects.Change | None = Field(description="Null when the other side has to agree first.")
    offer: objects.Offer | None
    warnings: list[objects.Overrun]


class ClockAnswer(CallAnswer):
    change: objects.Change


class OfferAnswer(CallAnswer):
    offer: objects.Offer
    change: objects.Change | None


class RequestAnswer(CallAnswer):
    request: objects.ExtensionRequest


class ApprovalAnswer(ExtendAnswer):
    request: objects.ExtensionRequest


class WaitingAnswer(Answer):
    waiting: list[objects.Participant]


class AdmitAnswer(CallAnswer):
    admitted: list[objects.Participant]


class VerificationAnswer(Answer):
    matches: bool
    differences: list[objects.Difference]


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
    roles: list[str] | None = Field(default=None, description="With paused-for-absence: who is away.")
    allowed_steps: list[int] | None = Field(default=None, description="With extension-step-not-allowed.")
    allowed_seconds: int | None = Field(default=None, description="What an extension may still add.")
    retry_at: Time | None = Field(default=None, description="With extension-cooling-down.")
    free_seconds: int | None = Field(default=None, description="With runs-into-next-call: what is free.")
    free_until: Time | None = Field(default=None, description="With runs-into-next-call: until when.")

"""Bodies of requests. Unknown keys are refused (`unknown-field`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from callclock_server.api.schemas.fields import Bool, Custom, Id, Int, Text, Time, Url, UserId
from callclock_server.api.schemas.settings import SentSettings

MOST_ADVANCE_SECONDS = 366 * 86_400


class Body(BaseModel):
    """Base of every request body."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields that the client sent, nested ones likewise: absent and null are different things."""
        return self.model_dump(exclude_unset=True)


class CreateRoleRequest(Body):
    name: Id


class CreateCallTypeRequest(Body):
    name: Id
    grants: dict[str, list[str]] = Field(default_factory=dict, description="Role to capabilities.")
    settings: SentSettings | None = None
    members_only: Bool | None = Field(default=None, description="Default true for types that you create.")


class UpdateCallTypeRequest(Body):
    grants: dict[str, list[str]] | None = Field(default=None, description="Replaced role by role.")
    settings: SentSettings | None = Field(default=None, description="Merged key by key; null is the default.")
    members_only: Bool | None = None


class UserInput(Body):
    id: UserId
    name: Text | None = None
    role: Id | None = None
    image: Url | None = None
    custom: Custom | None = None


class UpsertUsersRequest(Body):
    users: dict[str, UserInput] = Field(
        description="User id to user; absent fields of an existing user are kept.",
        min_length=1,
        max_length=100,
    )


class MemberInput(Body):
    user_id: UserId
    role: Id | None = None
    custom: Custom | None = None


class CallData(Body):
    members: list[MemberInput] | None = Field(default=None, max_length=100)
    created_by_id: UserId | None = Field(default=None, description="With a server token: whose call it is.")
    settings_override: SentSettings | None = None
    starts_at: Time | None = None
    custom: Custom | None = None


class GetOrCreateCallRequest(Body):
    data: CallData = Field(default_factory=CallData)


class UpdateCallRequest(Body):
    settings_override: SentSettings | None = None
    starts_at: Time | None = None
    custom: Custom | None = None


class JoinCallRequest(Body):
    create: Bool = False
    data: CallData | None = None
    user_id: UserId | None = Field(default=None, description="With a server token: who joins.")
    device_id: Id | None = Field(
        default=None, description="A tab's own id: the same one again is the same place."
    )
    connection_id: Text | None = Field(
        default=None,
        description="From connection.ok: presence follows this event stream (media engine none).",
    )


class LeaveCallRequest(Body):
    participant_id: Text | None = None
    device_id: Id | None = None
    user_id: UserId | None = Field(default=None, description="With a server token: who leaves.")


class ExtendCallRequest(Body):
    seconds: Int = Field(description="Seconds to add; negative ones shorten. Not zero.")
    idempotency_key: Text | None = Field(default=None, description="A repeated key adds nothing.")
    reason: Text | None = None
    price_text: Text | None = Field(default=None, description="What it costs, for who has to agree.")


class ClockRequest(Body):
    reason: Text | None = None


class AdmitRequest(Body):
    user_id: UserId


class AnswerOfferRequest(Body):
    user_id: UserId | None = Field(default=None, description="With a server token: who answers.")


class RequestExtensionRequest(Body):
    seconds: Int = Field(description="Seconds to add, above 0.")
    reason: Text | None = None
    user_id: UserId | None = Field(default=None, description="With a server token: who asks.")


class ApproveRequestRequest(Body):
    reason: Text | None = None
    price_text: Text | None = Field(default=None, description="What it costs: the asker has to agree to it.")


class DeclineRequestRequest(Body):
    reason: Text | None = None


class UpdateMembersRequest(Body):
    update_members: list[MemberInput] = Field(default_factory=list, max_length=100)
    remove_members: list[UserId] = Field(default_factory=list, max_length=100)


class AdvanceTestClockRequest(Body):
    seconds: float = Field(
        strict=True, ge=0, le=MOST_ADVANCE_SECONDS, description="How far to move on; microseconds count."
    )


class SortInput(Body):
    field: Literal["created_at", "starts_at", "ended_at", "timer_ends_at"]
    direction: Literal[1, -1] = 1


class QueryCallsRequest(Body):
    filter: dict[str, Any] = Field(
        default_factory=dict,
        description=(
            "Field to value, or to an object of $eq, $in, $gt, $gte, $lt, $lte. Fields: type, cid, "
            "created_by, members, ongoing, ended, starts_at, created_at, ended_at, timer_ends_at, "
            "custom.<key>."
        ),
    )
    sort: list[SortInput] = Field(default_factory=list, max_length=4)
    limit: Int = Field(default=25, ge=1, le=100)
    next: str | None = Field(default=None, description="The cursor of the previous page.")

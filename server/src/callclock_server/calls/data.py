"""The `data` of a create or a join, and the body of a change: read, checked, with all faults named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callclock_server.domain import errors
from callclock_server.domain import settings as call_settings
from callclock_server.domain.errors import FieldError, invalid
from callclock_server.domain.identifiers import check_user_id
from callclock_server.domain.input import as_object, coming_moment, custom_data, only_known
from callclock_server.domain.settings import Override
from callclock_server.storage import roles, users
from callclock_server.storage.database import Transaction

MOST_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """A member as asked for. `given` names the fields that were sent."""

    user_id: str
    role: str | None
    custom: dict[str, Any]
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class CallData:
    """What was sent, checked. `given` names the keys that were sent: null is not the same as absent."""

    given: frozenset[str] = frozenset()
    members: tuple[MemberSpec, ...] = ()
    created_by_id: str | None = None
    settings_override: Override = field(default_factory=dict)
    starts_at: datetime | None = None
    custom: dict[str, Any] = field(default_factory=dict)


async def read_call_data(
    tx: Transaction,
    data: Any,
    *,
    known: Sequence[str] = ("members", "created_by_id", "settings_override", "starts_at", "custom"),
    path: str = "data",
) -> CallData:
    """Check the data of a call; `path` is where it stands in the request (empty: the body itself)."""
    if data is None:
        return CallData()
    only_known(as_object(data, field=path), known, field=path)
    prefix = f"{path}." if path else ""
    sent: Mapping[str, Any] = data
    override, starts_at, creator = (
        sent.get("settings_override"),
        sent.get("starts_at"),
        sent.get("created_by_id"),
    )
    settings: Override = {}
    if override is not None:
        settings = call_settings.validate(override, field=f"{prefix}settings_override", rules=tx.rules)
    if starts_at is not None:
        starts_at = coming_moment(starts_at, field=f"{prefix}starts_at", now=tx.now())
    if creator is not None and not await users.exists(
        tx, check_user_id(creator, field=f"{prefix}created_by_id")
    ):
        raise errors.UnknownUserReference(f"There is no user {creator}.", field=f"{prefix}created_by_id")
    return CallData(
        given=frozenset(key for key in sent if key != "settings_override" or settings),
        members=await read_members(tx, sent.get("members") or (), path=f"{prefix}members"),
        created_by_id=creator,
        settings_override=settings,
        starts_at=starts_at,
        custom=custom_data(sent.get("custom") or {}, field=f"{prefix}custom"),
    )


async def read_members(tx: Transaction, listed: Any, *, path: str) -> tuple[MemberSpec, ...]:
    """Check a list of members: ids, that users and roles exist, that nobody is named twice."""
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > MOST_MEMBERS:
        raise errors.InvalidInput(f"must be a list of at most {MOST_MEMBERS} members.", field=path)
    specs = [_read_member(item, path=f"{path}.{place}") for place, item in enumerate(listed)]
    known = await users.get_many(tx, {spec.user_id for spec in specs})
    unknown_roles = await roles.missing(tx, {spec.role for spec in specs if spec.role is not None})
    faults: list[FieldError] = []
    seen: set[str] = set()
    for place, spec in enumerate(specs):
        if spec.user_id not in known:
            detail = f"There is no user {spec.user_id}."
            faults.append(FieldError(f"{path}.{place}.user_id", detail, "unknown-user-reference"))
        if spec.role in unknown_roles:
            faults.append(
                FieldError(f"{path}.{place}.role", f"There is no role {spec.role}.", "unknown-role")
            )
        if spec.user_id in seen:
            faults.append(FieldError(f"{path}.{place}.user_id", f"{spec.user_id} is listed twice."))
        seen.add(spec.user_id)
    if faults:
        raise invalid(faults)
    return tuple(specs)


def _read_member(item: Any, *, path: str) -> MemberSpec:
    given = as_object(item, field=path)
    only_known(given, ("user_id", "role", "custom"), field=path)
    if not isinstance(given.get("user_id"), str):
        raise errors.MissingField("A member needs a user_id.", field=f"{path}.user_id")
    user_id = check_user_id(given["user_id"], field=f"{path}.user_id")
    role = given.get("role")
    if role is not None and not isinstance(role, str):
        raise errors.InvalidInput("must be the name of a role.", field=f"{path}.role")
    custom = custom_data(given.get("custom") or {}, field=f"{path}.custom")
    return MemberSpec(user_id, role, custom, frozenset(given))

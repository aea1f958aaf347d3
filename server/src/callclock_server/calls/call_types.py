"""Call types: who may do what, and settings, for all calls of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callclock_server.domain import errors
from callclock_server.domain import settings as call_settings
from callclock_server.domain.call import CallType
from callclock_server.domain.capabilities import CAPABILITIES, in_order
from callclock_server.domain.errors import FieldError, invalid
from callclock_server.domain.identifiers import check_name
from callclock_server.domain.input import as_object
from callclock_server.domain.permissions import Actor
from callclock_server.domain.settings import Override
from callclock_server.storage import call_types, calls, roles, sessions
from callclock_server.storage.database import Transaction

from . import permissions, policies
from .access import settle_state
from .answers import View
from .journal import Journal
from .opening import schedule
from .state import load_many
from .views import call_type_view


async def create_call_type(
    tx: Transaction,
    by: Actor,
    *,
    name: str,
    grants: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    members_only: bool = True,
) -> View:
    """Create a call type; only members get into its calls unless `members_only` is false."""
    by.require_server()
    check_name(name, field="name")
    checked = await _check_grants(tx, grants or {})
    override = await _check_settings(tx, {}, settings or {})
    if await call_types.get(tx, name):
        raise errors.AlreadyExists(f"There is a call type {name} already.")
    now = tx.now()
    call_type = CallType(
        name=name,
        grants=checked,
        settings=override,
        members_only=members_only,
        built_in=False,
        created_at=now,
        updated_at=now,
    )
    await call_types.insert(tx, call_type)
    return call_type_view(call_type)


async def get_call_type(tx: Transaction, by: Actor, *, name: str) -> View:
    """Return a call type; raises CallTypeNotFound."""
    by.require_server()
    return call_type_view(await _existing(tx, name))


async def list_call_types(tx: Transaction, by: Actor) -> list[View]:
    """Return all call types."""
    by.require_server()
    return [call_type_view(call_type) for call_type in await call_types.list_all(tx)]


async def update_call_type(
    tx: Transaction,
    by: Actor,
    *,
    name: str,
    grants: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    members_only: bool | None = None,
) -> View:
    """Change a call type: grants role by role, settings key by key (null: back to the default).

    Changed grants hold at once for those who are in a call; changed limits hold for sessions that start later
    (design rule 7).
    """
    by.require_server()
    old = await _existing(tx, name)
    checked = await _check_grants(tx, grants or {})
    new = replace(
        old,
        grants={**old.grants, **checked},
        settings=await _check_settings(tx, old.settings, settings or {}),
        members_only=old.members_only if members_only is None else members_only,
        updated_at=tx.now(),
    )
    await _tell_present(tx, old, new)
    await call_types.update(tx, new)
    if _opening_changed(old, new):
        to_come = await calls.cids_to_come(tx, call_type=name, now=tx.now())
        for state in (await load_many(tx, to_come)).values():
            await schedule(tx, state)
    return call_type_view(new)


async def delete_call_type(tx: Transaction, by: Actor, *, name: str) -> None:
    """Delete a call type without calls."""
    by.require_server()
    call_type = await _existing(tx, name)
    if call_type.built_in:
        raise errors.BuiltIn
    if await call_types.in_use(tx, name):
        raise errors.CallTypeInUse
    await call_types.delete(tx, name)


async def _existing(tx: Transaction, name: str) -> CallType:
    call_type = await call_types.get(tx, name)
    if call_type is None:
        raise errors.CallTypeNotFound
    return call_type


async def _tell_present(tx: Transaction, old: CallType, new: CallType) -> None:
    """Announce changed capabilities in all running sessions of the type."""
    if old.grants == new.grants and old.members_only == new.members_only:
        return
    journal = Journal(tx)
    states = await load_many(tx, await sessions.cids_running_of_type(tx, new.name))
    for state in states.values():
        await settle_state(journal, state)
        before = await permissions.held_by_present(tx, state)
        state.call_type = new
        permissions.announce(
            journal, state, before=before, after=await permissions.held_by_present(tx, state)
        )
    await journal.flush()


async def _check_grants(tx: Transaction, grants: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the grants with capabilities in order; refuses unknown roles and capabilities."""
    as_object(grants, field="grants")
    unknown = await roles.missing(tx, list(grants))
    faults: list[FieldError] = []
    for role, granted in grants.items():
        if role in unknown:
            faults.append(FieldError(f"grants.{role}", f"There is no role {role}.", "unknown-role"))
        if not isinstance(granted, list) or not all(isinstance(item, str) for item in granted):
            faults.append(FieldError(f"grants.{role}", "must be a list of capabilities."))
            continue
        faults += [
            FieldError(f"grants.{role}", f"There is no capability {item}.", "unknown-capability")
            for item in granted
            if item not in CAPABILITIES
        ]
    if faults:
        raise invalid(faults)
    return {role: in_order(set(granted)) for role, granted in grants.items()}


def _opening_changed(old: CallType, new: CallType) -> bool:
    """Tell whether calls of the type may have begun, or ceased, to open by themselves."""
    before, after = old.effective_settings["limits"], new.effective_settings["limits"]
    return any(before[key] != after[key] for key in ("starts", "no_show_seconds"))


async def _check_settings(tx: Transaction, current: Override, change: Mapping[str, Any]) -> Override:
    """Return the type's settings after a change; a limit of null is the default and is not kept."""
    checked = call_settings.validate(change, field="settings", rules=tx.rules)
    merged = call_settings.patch(current, checked)
    if merged.get("limits", {}).get("max_duration_seconds", 0) is None:
        del merged["limits"]["max_duration_seconds"]
        if not merged["limits"]:
            del merged["limits"]
    await policies.require_valid(tx, checked, call_settings.effective(merged), field="settings")
    return merged

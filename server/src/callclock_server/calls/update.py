"""Change a call: settings, start, custom data (design rule 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callclock_server.domain import errors, extending, policy_checks
from callclock_server.domain import events as kinds
from callclock_server.domain import settings as call_settings
from callclock_server.domain.clock import Decision, set_limit, settle, with_limits
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import Change, Session
from callclock_server.domain.settings import Override, Settings
from callclock_server.storage.database import Transaction

from . import permissions, policies
from .access import Visit, enter
from .answers import CallAnswer
from .data import CallData, read_call_data
from .identifiers import new_id
from .opening import schedule
from .state import CallState
from .views import change_view

_KEYS = ("settings_override", "starts_at", "custom")
_ENDLESS_SECONDS = 10**9  # more than any rule leaves


async def update_call(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    changes: Mapping[str, Any],
) -> CallAnswer:
    """Change a call by the keys of `changes`: `settings_override` (key by key), `starts_at`, `custom`
    (whole).

    A new `limits.max_duration_seconds` moves the deadline of a running session to its start plus the new
    total; a total that has elapsed already ends the call. Needs `change-max-duration` for that limit,
    `update-call-settings` for other settings, `update-call` for the rest. The rules of the clock (design
    section 6) are a server token's alone while a session runs.
    """
    visitor = await enter(tx, by, type=type, id=id)
    require_rights(visitor, changes)
    data = await read_call_data(tx, changes, known=_KEYS, path="")
    await apply_data(visitor, data)
    await visitor.journal.flush()
    return await visitor.answer()


def require_rights(visitor: Visit, changes: Mapping[str, Any]) -> None:
    """Refuse changes that the visitor has no right to; malformed ones are left to the reading."""
    override = changes.get("settings_override")
    if isinstance(override, Mapping):
        groups = {group: dict(values) for group, values in override.items() if isinstance(values, Mapping)}
        if call_settings.changes_duration(groups):
            visitor.require("change-max-duration")
        if call_settings.changes_other(groups):
            visitor.require("update-call-settings")
        if visitor.user is not None and visitor.state.session and policy_checks.changes_rules(groups):
            # Who plays by the rules does not change them: consent could be switched off, or overtime added.
            raise errors.ServerTokenRequired(
                "The rules of a clock that runs are changed by a server token only."
            )
    if any(key in changes for key in ("starts_at", "custom", "members")):
        visitor.require("update-call")


async def apply_data(
    visitor: Visit, data: CallData, *, reason: str | None = None, field: str = "settings_override"
) -> None:
    """Apply checked changes to the call and its running session; noted in the journal, not yet written.

    `field` is where the override stands in the request.
    """
    state, journal = visitor.state, visitor.journal
    before = await permissions.held_by_present(visitor.tx, state)
    old_call, old_settings = state.call, state.settings
    state.call = replace(
        old_call,
        settings_override=call_settings.patch(old_call.settings_override, data.settings_override),
        starts_at=data.starts_at if "starts_at" in data.given else old_call.starts_at,
        custom=data.custom if "custom" in data.given else old_call.custom,
    )
    await policies.require_valid(visitor.tx, data.settings_override, _limited(state, data), field=field)
    policy_change = _change_policy(visitor, data, field=field, reason=reason)
    change = _change_session(visitor, data.settings_override, reason=reason)
    if state.call == old_call and change is None and not policy_change:
        return
    state.call = replace(state.call, updated_at=journal.now)
    if state.call.starts_at is not None and (data.settings_override or "starts_at" in data.given):
        await schedule(visitor.tx, state)
    if change is not None:
        journal.changed(state, change, by=visitor.user)
    told = {"change": change_view(change)} if change else {}
    journal.event(state, kinds.CALL_UPDATED, **told, **journal.who(visitor.user))
    if any(old_settings[group] != state.settings[group] for group in ("video", "screensharing")):
        # Nobody's capabilities changed, but what they may send did.
        permissions.set_media_permissions(journal, state, before={}, after=before)
    settle_now(visitor)


def _merged(state: CallState) -> Settings:
    """Return the settings as they will be; the running session's own total is no part of them."""
    return call_settings.effective(state.call_type.settings, state.call.settings_override)


def _limited(state: CallState, data: CallData) -> Settings:
    """Return the settings as they will be for the running session."""
    if "max_duration_seconds" in data.settings_override.get("limits", {}):
        return _merged(state)
    return state.settings


def _change_policy(visitor: Visit, data: CallData, *, field: str, reason: str | None) -> bool:
    """Bring changed policies into the running session; return whether anything changed (section 6)."""
    state, session = visitor.state, visitor.state.session
    moved = "starts_at" in data.given and session is not None and session.fair is not None
    if session is None or not (moved or policy_checks.touches_policy(data.settings_override)):
        return False
    decision = policies.changed(
        state,
        data.settings_override,
        _merged(state),
        by=visitor.by_id,
        reason=reason,
        field=field,
        now=visitor.journal.now,
    )
    if decision.session is session:
        return False
    visitor.journal.apply(state, decision, by=visitor.user)
    return True


def _change_session(visitor: Visit, override: Override, *, reason: str | None) -> Change | None:
    """Bring changed limits into the running session; return the change of its deadline, if there is one."""
    state, limits = visitor.state, override.get("limits")
    if state.session is None or not limits:
        return None
    state.session = with_limits(state.session, _merged(state)["limits"])
    visitor.journal.track(state)
    if "max_duration_seconds" not in limits:
        return None
    raised = _raised(visitor, state.session, limits["max_duration_seconds"])
    state.session, change = set_limit(
        state.session,
        max_duration_seconds=limits["max_duration_seconds"],
        change_id=new_id("chg"),
        by=visitor.by_id,
        now=visitor.journal.now,
        reason=reason,
    )
    if raised is not None and state.session.fair is not None:
        fair = extending.counted(state.session.fair, seconds=raised, now=visitor.journal.now)
        state.session = replace(state.session, fair=fair)
    return change


def _raised(visitor: Visit, session: Session, total: int | None) -> int | None:
    """Return by how much a user raises the total, which is an extension under the same policy, or None.

    No limit at all is the longest extension there is; what it adds has no number, and counts as 0. A server
    token is the application itself and may set what it likes.
    """
    old = session.max_duration_seconds
    if visitor.user is None or session.fair is None or old is None:
        return None
    seconds = _ENDLESS_SECONDS if total is None else total - old
    if seconds <= 0:
        return None
    extending.check(session, seconds=seconds, now=visitor.journal.now)
    if extending.needs_consent(session, seconds=seconds):
        raise errors.ConsentRequired
    return 0 if total is None else seconds


def settle_now(visitor: Visit) -> None:
    """Apply what a change of limits made due at once: a warning, or the end."""
    session = visitor.state.session
    if session is not None:
        decision: Decision = settle(session, now=visitor.journal.now)
        visitor.journal.apply(visitor.state, decision, by=visitor.user)

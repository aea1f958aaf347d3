"""The policies of calls and call types, checked against the roles that exist and against what was used."""

from __future__ import annotations

from datetime import datetime

from callclock_server.domain import clock, policy, policy_checks
from callclock_server.domain.clock import Decision
from callclock_server.domain.errors import FieldError, invalid
from callclock_server.domain.policy import Policy
from callclock_server.domain.settings import Override, Settings
from callclock_server.storage import roles
from callclock_server.storage.database import Transaction

from .state import CallState


async def require_roles(tx: Transaction, override: Override, *, field: str) -> None:
    """Raise UnknownRole for policies that name roles which do not exist."""
    named = policy_checks.named_roles(override, field=field)
    if not named:
        return
    unknown = await roles.missing(tx, {role for listed in named.values() for role in listed})
    faults = [
        FieldError(path, f"There is no role {role}.", "unknown-role")
        for path, listed in named.items()
        for role in listed
        if role in unknown
    ]
    if faults:
        raise invalid(faults)


async def require_valid(tx: Transaction, override: Override, settings: Settings, *, field: str) -> None:
    """Refuse an override whose policies name unknown roles, or contradict each other in `settings`."""
    if policy_checks.touches_policy(override):
        await require_roles(tx, override, field=field)
        policy_checks.refuse_contradictions(settings, field=field)


def rules_of(state: CallState) -> Policy:
    """Return the policies of the running session; of a plain one, those that its call would give it now."""
    session = state.session
    if session is not None and session.fair is not None:
        return session.fair.policy
    rules = policy.policy_of(state.settings)
    return rules if policy.is_plain(rules) else policy.PLAIN


def changed(
    state: CallState,
    override: Override,
    settings: Settings,
    *,
    by: str | None,
    reason: str | None,
    field: str,
    now: datetime,
) -> Decision:
    """Put the running session under those policies of `settings` that `override` names; others stay.

    Raises LimitAlreadyUsed for caps below what was used.
    """
    session = state.session
    assert session is not None
    rules = policy.taken_over(rules_of(state), policy.policy_of(settings), override)
    policy_checks.refuse_used_up(session, rules, field=field, now=now)
    return clock.with_policy(session, rules, by=by, now=now, reason=reason, scheduled_at=state.call.starts_at)

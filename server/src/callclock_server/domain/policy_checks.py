"""What policies must not say: contradictions, and caps below what a running session has used already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from . import reading
from .errors import FieldError, invalid
from .policy import Policy
from .session import Session
from .settings import Override, Settings

_CONTRADICTORY, _USED = "contradictory-setting", "limit-already-used"
_ROLES = ("required_roles", "pause_when_absent")
_RULES = frozenset(
    {
        "starts",
        "required_roles",
        "pause_when_absent",
        "absence_grace_seconds",
        "max_pause_seconds",
        "max_wall_seconds",
        "overtime_seconds",
        "extension",
        "no_show_seconds",
        "no_show_action",
        "back_to_back",
    }
)


def named_roles(override: Override, *, field: str) -> dict[str, list[str]]:
    """Return the roles that an override's policies name, by the field that names them."""
    limits = override.get("limits", {})
    extension = limits.get("extension") or {}
    named = {f"{field}.limits.{key}": limits.get(key) for key in _ROLES}
    named[f"{field}.limits.extension.consent_roles"] = extension.get("consent_roles")
    return {path: roles for path, roles in named.items() if roles}


def touches_policy(override: Override) -> bool:
    """Tell whether an override may change a policy, or what policies lean on."""
    return bool(override.get("limits")) or "backstage" in override


def changes_rules(override: Override) -> bool:
    """Tell whether an override names a rule of the clock: its start, pauses, overtime, extensions, caps."""
    return not _RULES.isdisjoint(override.get("limits", {}))


def refuse_contradictions(settings: Settings, *, field: str) -> None:
    """Raise ContradictorySetting for policies that cannot hold together; names each field and what would."""
    faults = [
        FieldError(f"{field}.limits.{key}", detail, _CONTRADICTORY)
        for key, detail in _contradictions(settings["limits"])
    ]
    if faults:
        raise invalid(faults)


def _contradictions(limits: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    total, wall, extension = limits["max_duration_seconds"], limits["max_wall_seconds"], limits["extension"]
    if limits["starts"] == "all_roles" and not limits["required_roles"]:
        yield "required_roles", "must name at least one role, because starts is all_roles."
    if limits["no_show_seconds"] is not None and not limits["required_roles"]:
        yield "required_roles", "must name at least one role, because no_show_seconds is set."
    if total is not None and wall is not None and wall < total:
        yield "max_wall_seconds", f"must be at least {total}, which is max_duration_seconds."
    most, steps = extension["max_total_seconds"], extension["steps_seconds"]
    if most is not None and steps is not None and max(steps) > most:
        yield (
            "extension.steps_seconds",
            f"must not be above {most} each, which is extension.max_total_seconds.",
        )


def refuse_used_up(session: Session, rules: Policy, *, field: str, now: datetime) -> None:
    """Raise LimitAlreadyUsed when a cap lies below what the session has used; names the least valid value."""
    faults = [
        FieldError(f"{field}.limits.{key}", f"must be at least {least}: so much is used already.", _USED)
        for key, least, given in _used(session, rules, now=now)
        if given is not None and given < least
    ]
    fair = session.fair
    if fair is not None and fair.started_running_at is not None and rules.starts != fair.policy.starts:
        detail = f"must stay {fair.policy.starts}: the clock has started."
        faults.append(FieldError(f"{field}.limits.starts", detail, _USED))
    if faults:
        raise invalid(faults)


def _used(session: Session, rules: Policy, *, now: datetime) -> Iterator[tuple[str, int, int | None]]:
    yield "max_pause_seconds", _seconds(reading.paused(session, now=now)), rules.max_pause_seconds
    fair = session.fair
    started = session.started_at if fair is None else fair.started_running_at
    if started is not None:
        yield "max_wall_seconds", _seconds(now - started), rules.max_wall_seconds
    over = _seconds(reading.overtime(session, now=now))
    if over:
        yield "overtime_seconds", over, rules.overtime_seconds
    if fair is not None:
        yield "extension.max_count", fair.extended_count, rules.extension.max_count
        yield "extension.max_total_seconds", fair.extended_seconds, rules.extension.max_total_seconds


def _seconds(span: timedelta) -> int:
    """Whole seconds, rounded up: a cap must hold all that was used."""
    return -(-span // timedelta(seconds=1))

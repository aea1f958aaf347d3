"""The policies of a session's clock (design section 6), as a session carries them from its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

StartRule = Literal["first_join", "all_roles", "scheduled", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionPolicy:
    """What an extension must keep to. None means no such rule."""

    max_count: int | None = None
    max_total_seconds: int | None = None
    steps_seconds: tuple[int, ...] | None = None
    cooldown_seconds: int = 0
    consent_roles: tuple[str, ...] = ()
    consent_timeout_seconds: int = 60
    request_timeout_seconds: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All policies of one session. The defaults are the plain clock of design section 5."""

    starts: StartRule = "first_join"
    required_roles: tuple[str, ...] = ()
    pause_when_absent: tuple[str, ...] = ()
    absence_grace_seconds: int = 30
    max_pause_seconds: int = 900
    max_wall_seconds: int | None = None
    overtime_seconds: int = 0
    no_show_seconds: int | None = None
    no_show_action: Literal["end", "tell"] = "tell"
    back_to_back: Literal["off", "refuse", "warn"] = "off"
    extension: ExtensionPolicy = field(default_factory=ExtensionPolicy)
    backstage: bool = False
    join_ahead_time_seconds: int = 0
    opens: Literal["schedule", "manual"] = "schedule"

    @property
    def opens_by_itself(self) -> bool:
        """Whether something must happen at the call's `starts_at` though nobody is there."""
        return self.starts == "scheduled" or self.no_show_seconds is not None


# Without a rule that uses them, these alone change nothing.
_IDLE = frozenset({"absence_grace_seconds", "max_pause_seconds", "no_show_action"})
_OF_BACKSTAGE = frozenset({"join_ahead_time_seconds", "opens"})
_FIELDS = tuple(field.name for field in fields(Policy))
_OF_LIMITS = tuple(name for name in _FIELDS if name not in ("backstage", "join_ahead_time_seconds", "opens"))
_LISTS = frozenset({"required_roles", "pause_when_absent"})
PLAIN = Policy()


def policy_of(settings: Mapping[str, Mapping[str, Any]]) -> Policy:
    """Return the policy of effective settings."""
    limits, backstage = settings["limits"], settings["backstage"]
    values = {name: limits[name] for name in _OF_LIMITS}
    return _build(
        {
            **values,
            "backstage": backstage["enabled"],
            "join_ahead_time_seconds": backstage["join_ahead_time_seconds"],
            "opens": backstage["opens"],
        }
    )


def to_json(policy: Policy) -> dict[str, Any]:
    """Return the policy as JSON can carry it."""
    return asdict(policy)


def from_json(data: Mapping[str, Any]) -> Policy:
    """Return what `to_json` was given; fields that came later have their defaults."""
    return _build(data)


def _build(values: Mapping[str, Any]) -> Policy:
    given: dict[str, Any] = {
        name: tuple(value) if name in _LISTS else value for name, value in values.items()
    }
    extension = dict(given.pop("extension", {}))
    for name in ("steps_seconds", "consent_roles"):
        if extension.get(name) is not None:
            extension[name] = tuple(extension[name])
    return Policy(**given, extension=ExtensionPolicy(**extension))


def taken_over(old: Policy, new: Policy, override: Mapping[str, Mapping[str, Any]]) -> Policy:
    """Return `old` with those policies of `new` that `override` (of settings) names."""
    limits, backstage = override.get("limits", {}), override.get("backstage", {})
    names = [name for name in _OF_LIMITS if name in limits and name != "extension"]
    names += [name for name in ("join_ahead_time_seconds", "opens") if name in backstage]
    names += ["backstage"] if "enabled" in backstage else []
    changed = replace(old, **{name: getattr(new, name) for name in names})
    if "extension" not in limits:
        return changed
    inner = limits["extension"]
    if inner is None:
        return replace(changed, extension=new.extension)
    terms = {name: getattr(new.extension, name) for name in inner}
    return replace(changed, extension=replace(changed.extension, **terms))


def is_plain(policy: Policy) -> bool:
    """Tell whether a session under this policy has the plain clock."""
    return policy == PLAIN or all(
        getattr(policy, name) == getattr(PLAIN, name) for name in _FIELDS if name not in _IDLE | _OF_BACKSTAGE
    )


def changes(old: Policy, new: Policy) -> dict[str, list[Any]]:
    """Return what differs, by dotted key: `{key: [old, new]}`."""
    before, after = _flat(to_json(old)), _flat(to_json(new))
    return {key: [before[key], after[key]] for key in before if before[key] != after[key]}


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if key == "extension":
            flat.update({f"extension.{inner}": deep for inner, deep in value.items()})
        else:
            flat[key] = list(value) if isinstance(value, tuple) else value
    return flat

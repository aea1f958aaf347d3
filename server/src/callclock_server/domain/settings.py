"""Settings of a call: defaults, then the call type's, then the call's own, merged key by key (design section
4).

An override is a nested mapping that holds only what it changes. Null takes an override back, save for
`limits.max_duration_seconds`, where null is a value of its own: no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import FieldError, invalid
from .rules import Rules

Override = dict[str, dict[str, Any]]
Settings = dict[str, dict[str, Any]]

DEFAULTS: Settings = {
    "audio": {"mic_default_on": True, "default_device": "speaker"},
    "video": {
        "enabled": True,
        "camera_default_on": True,
        "camera_facing": "front",
        "target_resolution": {"width": 1280, "height": 720, "bitrate": 2_000_000},
    },
    "screensharing": {"enabled": True},
    "backstage": {"enabled": False, "join_ahead_time_seconds": 0, "opens": "schedule"},
    "media": {"engine": "livekit"},
    "limits": {
        "max_duration_seconds": None,
        "max_participants": None,
        "warning_seconds": [300, 60],
        "empty_timeout_seconds": 30,
        "join_timeout_seconds": 30,
        "starts": "first_join",
        "required_roles": [],
        "pause_when_absent": [],
        "absence_grace_seconds": 30,
        "max_pause_seconds": 900,
        "max_wall_seconds": None,
        "overtime_seconds": 0,
        "no_show_seconds": None,
        "no_show_action": "tell",
        "back_to_back": "off",
        "extension": {
            "max_count": None,
            "max_total_seconds": None,
            "steps_seconds": None,
            "cooldown_seconds": 0,
            "consent_roles": [],
            "consent_timeout_seconds": 60,
            "request_timeout_seconds": 120,
        },
    },
}

_LIMIT = "limit-out-of-range"
_Check = Callable[[Any, Rules], tuple[str, str] | None]


def _boolean(value: Any, _: Rules) -> tuple[str, str] | None:
    return None if isinstance(value, bool) else ("must be true or false.", "invalid-value")


def _one_of(*choices: str) -> _Check:
    def check(value: Any, _: Rules) -> tuple[str, str] | None:
        return None if value in choices else (f"must be one of {', '.join(choices)}.", "invalid-value")

    return check


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(least: int, most: int) -> _Check:
    def check(value: Any, _: Rules) -> tuple[str, str] | None:
        if not _is_int(value):
            return "must be an integer.", "invalid-value"
        return None if least <= value <= most else (f"must be from {least} to {most}.", _LIMIT)

    return check


def _max_duration(value: Any, rules: Rules) -> tuple[str, str] | None:
    return None if value is None else _integer(1, rules.max_duration_ceiling_seconds)(value, rules)


def _warnings(value: Any, rules: Rules) -> tuple[str, str] | None:
    if not isinstance(value, list) or not all(_is_int(item) for item in value):
        return "must be a list of integers.", "invalid-value"
    if len(value) > 10 or len(set(value)) != len(value):
        return "must be at most 10 different thresholds.", "invalid-value"
    most = rules.max_duration_ceiling_seconds
    return None if all(1 <= item <= most for item in value) else (f"must be from 1 to {most}.", _LIMIT)


def _roles(value: Any, _: Rules) -> tuple[str, str] | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "must be a list of roles.", "invalid-value"
    if len(value) > 10 or len(set(value)) != len(value):
        return "must be at most 10 different roles.", "invalid-value"
    return None


def _steps(value: Any, _: Rules) -> tuple[str, str] | None:
    if not isinstance(value, list) or not value or not all(_is_int(item) for item in value):
        return "must be a list of seconds, or null for any.", "invalid-value"
    if len(value) > 20 or len(set(value)) != len(value):
        return "must be at most 20 different steps.", "invalid-value"
    return None if all(1 <= item <= 86_400 for item in value) else ("must be from 1 to 86400 each.", _LIMIT)


def _resolution(value: Any, rules: Rules) -> tuple[str, str] | None:
    bounds = {"width": (16, 7680), "height": (16, 4320), "bitrate": (10_000, 50_000_000)}
    if not isinstance(value, dict) or set(value) != set(bounds):
        return "must hold width, height and bitrate.", "invalid-value"
    faults = (_integer(*bounds[key])(value[key], rules) for key in bounds)
    return next((fault for fault in faults if fault), None)


_CHECKS: dict[str, dict[str, _Check]] = {
    "audio": {"mic_default_on": _boolean, "default_device": _one_of("speaker", "earpiece")},
    "video": {
        "enabled": _boolean,
        "camera_default_on": _boolean,
        "camera_facing": _one_of("front", "back"),
        "target_resolution": _resolution,
    },
    "screensharing": {"enabled": _boolean},
    "backstage": {
        "enabled": _boolean,
        "join_ahead_time_seconds": _integer(0, 86_400),
        "opens": _one_of("schedule", "manual"),
    },
    "media": {"engine": _one_of("livekit", "none")},
    "limits": {
        "max_duration_seconds": _max_duration,
        "max_participants": _integer(1, 100_000),
        "warning_seconds": _warnings,
        "empty_timeout_seconds": _integer(1, 86_400),
        "join_timeout_seconds": _integer(1, 3_600),
        "starts": _one_of("first_join", "all_roles", "scheduled", "manual"),
        "required_roles": _roles,
        "pause_when_absent": _roles,
        "absence_grace_seconds": _integer(0, 3_600),
        "max_pause_seconds": _integer(0, 86_400),
        "max_wall_seconds": _integer(1, 172_800),
        "overtime_seconds": _integer(0, 86_400),
        "no_show_seconds": _integer(1, 86_400),
        "no_show_action": _one_of("end", "tell"),
        "back_to_back": _one_of("off", "refuse", "warn"),
    },
    "limits.extension": {
        "max_count": _integer(0, 1_000),
        "max_total_seconds": _integer(0, 86_400),
        "steps_seconds": _steps,
        "cooldown_seconds": _integer(0, 86_400),
        "consent_roles": _roles,
        "consent_timeout_seconds": _integer(5, 3_600),
        "request_timeout_seconds": _integer(5, 3_600),
    },
}


def validate(override: Any, *, field: str, rules: Rules) -> Override:
    """Return `override` as given when every key is known and every value is in range.

    `field` is the dotted path of the override in the request. Raises `InvalidInput` (or the subclass of
    the first fault) with all faults. A null value is accepted everywhere.
    """
    if not isinstance(override, Mapping):
        raise invalid([FieldError(field, "must be an object.")])
    faults: list[FieldError] = []
    for group, values in override.items():
        path = f"{field}.{group}"
        if group not in DEFAULTS:
            faults.append(
                FieldError(path, f"There is no group of settings called {group}.", "unknown-setting")
            )
        elif not isinstance(values, Mapping):
            faults.append(FieldError(path, "must be an object."))
        else:
            faults += _faults_of_group(group, values, path=path, rules=rules)
    if faults:
        raise invalid(faults)
    return {group: dict(values) for group, values in override.items()}


def _faults_of_group(group: str, values: Mapping[str, Any], *, path: str, rules: Rules) -> list[FieldError]:
    faults: list[FieldError] = []
    for key, value in values.items():
        check = _CHECKS[group].get(key)
        if f"{group}.{key}" in _CHECKS:
            if isinstance(value, Mapping):
                faults += _faults_of_group(f"{group}.{key}", value, path=f"{path}.{key}", rules=rules)
            elif value is not None:
                faults.append(FieldError(f"{path}.{key}", "must be an object."))
        elif check is None:
            faults.append(
                FieldError(f"{path}.{key}", f"There is no setting called {group}.{key}.", "unknown-setting")
            )
        elif value is not None and (fault := check(value, rules)):
            faults.append(FieldError(f"{path}.{key}", f"{group}.{key} {fault[0]}", fault[1]))
    return faults


def patch(current: Override, change: Override) -> Override:
    """Return `current` with `change` merged in key by key; null takes a key away (see the module's text)."""
    merged = {group: dict(values) for group, values in current.items()}
    for group, values in change.items():
        target = merged.setdefault(group, {})
        for key, value in values.items():
            if value is None and (group, key) != ("limits", "max_duration_seconds"):
                target.pop(key, None)
            elif key == "extension":
                inner = {**target.get(key, {}), **value}
                target[key] = {name: deep for name, deep in inner.items() if deep is not None}
            else:
                target[key] = value
        if not target:
            del merged[group]
    return merged


def effective(*layers: Override) -> Settings:
    """Return the whole settings: the defaults with each of `layers` laid over them, the last on top."""
    merged = {group: dict(values) for group, values in DEFAULTS.items()}
    for layer in layers:
        for group, values in layer.items():
            extension = (
                {**merged[group]["extension"], **values["extension"]} if "extension" in values else None
            )
            merged[group].update(values)
            if extension is not None:
                merged[group]["extension"] = extension
    return merged


def changes_duration(override: Override) -> bool:
    """Tell whether the override touches the time limit (needs `change-max-duration`)."""
    return "max_duration_seconds" in override.get("limits", {})


def changes_other(override: Override) -> bool:
    """Tell whether the override touches anything but the time limit (needs `update-call-settings`)."""
    return any(
        (group, key) != ("limits", "max_duration_seconds")
        for group, values in override.items()
        for key in values
    )

"""Settings are merged key by key, and what is not known or out of range is refused."""

from __future__ import annotations

from typing import Any

import pytest
from callclock_server.domain import settings
from callclock_server.domain.errors import InvalidInput
from callclock_server.domain.rules import Rules


def check(override: Any) -> Any:
    return settings.validate(override, field="data", rules=Rules())


def test_layers_are_merged_key_by_key() -> None:
    merged = settings.effective({"limits": {"max_duration_seconds": 60}}, {"limits": {"max_participants": 2}})
    assert merged["limits"]["max_duration_seconds"] == 60
    assert merged["limits"]["max_participants"] == 2
    assert merged["limits"]["warning_seconds"] == [300, 60]
    assert settings.DEFAULTS["limits"]["max_participants"] is None


def test_null_takes_an_override_back_but_a_limit_of_null_is_kept() -> None:
    current = {"limits": {"max_participants": 2, "max_duration_seconds": 60}, "video": {"enabled": False}}
    change = {"limits": {"max_participants": None, "max_duration_seconds": None}, "video": {"enabled": None}}
    assert settings.patch(current, change) == {"limits": {"max_duration_seconds": None}}


@pytest.mark.parametrize(
    ("override", "code", "field"),
    [
        ({"limitz": {}}, "unknown-setting", "limitz"),
        ({"limits": {"max": 1}}, "unknown-setting", "limits.max"),
        ({"limits": {"max_duration_seconds": 0}}, "limit-out-of-range", "limits.max_duration_seconds"),
        ({"limits": {"max_duration_seconds": 86_401}}, "limit-out-of-range", "limits.max_duration_seconds"),
        ({"limits": {"max_duration_seconds": True}}, "invalid-value", "limits.max_duration_seconds"),
        ({"limits": {"max_duration_seconds": "60"}}, "invalid-value", "limits.max_duration_seconds"),
        ({"limits": {"warning_seconds": [60, 60]}}, "invalid-value", "limits.warning_seconds"),
        ({"limits": 5}, "invalid-value", "limits"),
        ({"media": {"engine": "zoom"}}, "invalid-value", "media.engine"),
        ([], "invalid-value", ""),
    ],
)  # fmt: skip
def test_bad_override_is_refused_with_its_field(override: Any, code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(override)
    assert (refused.value.code, refused.value.errors[0].field) == (
        code,
        f"data.{field}".rstrip("."),
    )


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        check({"limits": {"max_participants": 0, "nope": 1}, "video": {"enabled": 3}})
    assert len(refused.value.errors) == 3


def test_defaults_pass_their_own_checks() -> None:
    given = {
        group: {k: v for k, v in values.items() if v is not None}
        for group, values in settings.DEFAULTS.items()
    }
    assert check(given) == given

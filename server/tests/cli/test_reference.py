"""The page of all settings."""

from __future__ import annotations

from callclock_server.cli.reference import reference
from callclock_server.settings import Settings


def test_every_setting_has_a_row_and_says_what_it_means() -> None:
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `CALLCLOCK_")]
    named = {row[0].strip("| `"): row[-1].rstrip(" |") for row in rows}
    assert set(named) == {f"CALLCLOCK_{name.upper()}" for name in Settings.model_fields} | {
        "CALLCLOCK_CONFIG"
    }
    assert all(meaning.endswith(".") for meaning in named.values())

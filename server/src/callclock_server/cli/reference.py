"""The page of all settings: `python -m callclock_server.cli.reference --write` or `--check`.

It is made from the settings class, so that the two cannot differ.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from callclock_server.settings import CONFIG_FILE_VARIABLE, PREFIX, Settings

FILE = Path(__file__).resolve().parents[4] / "docs" / "configuration.md"
_HEAD = f"""# Configuration

Every setting is an environment variable. An empty one counts as not set. The same names in small letters and without `{PREFIX}` may stand in a TOML file that `{CONFIG_FILE_VARIABLE}` names; the environment goes before the file. `callclock doctor` tells what is wrong with them.

This page is written by `make generated` from the settings class.

| variable | default | meaning |
|---|---|---|
"""  # noqa: E501 - lines of a table and of prose are not wrapped
_SIGNS = {Ge: "at least", Gt: "more than", Le: "at most", Lt: "less than"}


def reference() -> str:
    """The text of `docs/configuration.md`."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    file_row = f"| `{CONFIG_FILE_VARIABLE}` | | A TOML file with settings. |"
    return _HEAD + "\n".join([*rows, file_row]) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").strip()
    bounds = _bounds(field)
    return f"| `{PREFIX}{name.upper()}` | {_default(field)} | {meaning}{bounds} |"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ({}, ()):
        return ""
    return f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    options = [each for each in get_args(field.annotation) if isinstance(each, str)]
    if options:
        return f" One of {', '.join(f'`{each}`' for each in options)}."
    words = [
        f"{_SIGNS[type(bound)]} {getattr(bound, type(bound).__name__.lower()):g}"
        for bound in field.metadata
        if type(bound) in _SIGNS
    ]
    return f" {', '.join(words).capitalize()}." if words else ""


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or check that it is current (exit status 1 when it is not)."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write the page")
    choice.add_argument("--check", action="store_true", help="fail when the page is not current")
    options = parser.parse_args(arguments)
    if options.write:
        FILE.write_text(reference())
    elif not FILE.exists() or FILE.read_text() != reference():
        sys.stderr.write(f"{FILE.name} is not current: python -m callclock_server.cli.reference --write\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What the command says of itself."""

from __future__ import annotations

import pytest

COMMANDS = ["demo", "serve", "migrate", "keys", "token", "calls", "doctor"]


def test_help_lists_every_command(run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["demo"], ["--minutes", "--port", "--data-dir", "--browser"]),
        (["serve"], ["--host", "--port", "one line with its URL"]),
        (["migrate"], ["Safe to repeat"]),
        (["token"], ["--expires-in", "--server", "--call"]),
        (["calls"], ["list", "show", "extend", "end"]),
        (["calls", "list"], ["--watch", "--all", "--type"]),
        (["calls", "extend"], ["15m", "--reason"]),
        (["doctor"], ["Fails when something is broken"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_help_of_each_command_names_its_options(run, arguments: list[str], expected: list[str]) -> None:
    status, out, _ = run(*arguments, "--help")
    assert status == 0
    assert [text for text in expected if text not in out] == []


def test_unknown_command_is_wrong_usage(run) -> None:
    assert run("dance")[0] == 2

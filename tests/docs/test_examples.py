"""The Python examples of the README and the tutorial run, in order, against a real server.

A page's blocks share one namespace, as they would in a reader's interpreter.
"""

import asyncio
import re
from pathlib import Path

import pytest
from callclock_server.testing import RunningServer, running_server

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = ('"my-key"', '"my-secret"', '"http://127.0.0.1:8000"')


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def run(sources: list[str], server: RunningServer) -> dict[str, object]:
    names: dict[str, object] = {
        "__name__": "__example__",
        "api_key": server.api_key,
        "secret": server.secret,
        "base_url": server.url,
    }
    for source in sources:
        for placeholder, value in zip(PLACEHOLDERS, (server.api_key, server.secret, server.url), strict=True):
            source = source.replace(placeholder, repr(value))
        exec(compile(source, "<example>", "exec"), names)
    return names


def test_the_readme_example_makes_a_lesson_and_extends_it(capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = blocks("README.md")
    assert len([line for line in source.splitlines() if line.strip()]) <= 20
    with running_server() as server:
        names = run([source], server)
        limits = names["lesson"].get().call.settings.limits  # type: ignore[attr-defined]
    assert limits.max_duration_seconds == 60 * 60
    assert "ends at" in capsys.readouterr().out


def test_the_tutorial_runs_from_its_first_line_to_its_last(capsys: pytest.CaptureFixture[str]) -> None:
    sources = blocks("docs/tutorial.md")
    with running_server() as server:
        names = run(sources, server)
        record = names["record"]
    assert record.ended_reason == "ended_by_user"  # type: ignore[attr-defined]
    assert "extend" in capsys.readouterr().out
    assert asyncio.iscoroutinefunction(names["follow"])

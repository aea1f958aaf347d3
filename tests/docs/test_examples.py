"""The Python examples of the documentation run, in order, against a real server with a test clock.

A page's blocks share one namespace, as they would in a reader's interpreter.
"""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from callclock.testing import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = ('"my-key"', '"my-secret"', '"http://127.0.0.1:8000"')


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def run(sources: list[str], server: EmbeddedServer) -> dict[str, object]:
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


def test_the_readme_example_makes_a_lesson_and_extends_it(
    callclock_server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (source,) = blocks("README.md")
    assert len([line for line in source.splitlines() if line.strip()]) <= 20
    names = run([source], callclock_server)
    limits = names["lesson"].get().call.settings.limits  # type: ignore[attr-defined]
    assert limits.max_duration_seconds == 60 * 60
    assert "ends at" in capsys.readouterr().out


def test_the_example_of_the_sdk_makes_a_visit(callclock_server: EmbeddedServer) -> None:
    names = run(blocks("sdk-python/README.md"), callclock_server)
    assert names["call"].cid == "visit:monday-9"  # type: ignore[attr-defined]


def test_the_tutorial_runs_from_its_first_line_to_its_last(
    callclock_server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run(blocks("docs/tutorial.md"), callclock_server)
    record = names["record"]
    assert record.ended_reason == "ended_by_user"  # type: ignore[attr-defined]
    assert "extend" in capsys.readouterr().out
    assert asyncio.iscoroutinefunction(names["follow"])


def test_the_tests_of_the_how_to_page_pass_as_a_reader_would_run_them(tmp_path: Path) -> None:
    (source,) = blocks("docs/how-to/test-your-integration.md")
    (tmp_path / "test_lessons.py").write_text(source)
    loops = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{loops}")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_lessons.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("page", ["telemedicine", "tutoring-by-the-minute", "legal-consultation"])
def test_the_guides_to_paid_time_print_what_they_say(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    sources = blocks(f"docs/how-to/{page}.md")
    with EmbeddedServer() as server:  # of its own: the pages make roles of the same names
        run(sources, server)
    printed = capsys.readouterr().out
    for expected in re.findall(r"^ *print\(.*\)  # (.*)$", "\n".join(sources), re.MULTILINE):
        assert expected in printed


def test_the_timelines_are_as_the_rules_play_them() -> None:
    drawn = subprocess.run([sys.executable, ROOT / "docs/tools/timelines.py", "--check"], check=False)
    assert drawn.returncode == 0


def test_the_record_in_the_apps_readme_is_what_its_script_prints() -> None:
    app = ROOT / "web" / "apps" / "telemedicine"
    command = [sys.executable, str(app / "script" / "paid_appointment.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (shown,) = re.findall(r"^```text\n(.*?)^```", (app / "README.md").read_text("utf-8"), re.M | re.S)
    assert done.stdout.endswith(shown)

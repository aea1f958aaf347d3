"""`callclock demo` as somebody with a fresh machine meets it: two printed links, two windows, one call."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from appointments import NAMES, PATIENT, SPECIALIST
from playwright.sync_api import expect
from visitors import Visitor

LINK = re.compile(r"http://127\.0\.0\.1:\d+/demo/([a-z-]+)")


@pytest.fixture
def demo_links(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The links that a fresh demo prints, by user."""
    command = [str(Path(sys.executable).parent / "callclock"), "demo", "--port", "0", "--minutes", "5"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "200"}
    demo = subprocess.Popen(
        [*command, "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
    )
    links: dict[str, str] = {}
    printed: list[str] = []
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            printed.append(line)
            links |= {found.group(1): found.group(0) for found in LINK.finditer(line)}
            if len(links) == 2:
                break
        assert set(links) == {SPECIALIST, PATIENT}, "".join(printed)
        yield links
    finally:
        demo.terminate()
        demo.communicate(timeout=20)


def test_demo_links_lead_both_into_one_call(
    demo_links: dict[str, str], visitor: Callable[..., Visitor]
) -> None:
    doctor, patient = visitor(), visitor()
    doctor.page.goto(demo_links[SPECIALIST])
    expect(doctor.headline).to_have_text(f"5 minutes with {NAMES[PATIENT]}")
    doctor.join()
    patient.page.goto(demo_links[PATIENT])
    patient.join()
    for someone in (doctor, patient):
        expect(someone.page.locator(".cc-tile-picture video")).to_have_count(2)
        someone.page.wait_for_function("() => window.receivedMedia().then(received => received.frames > 10)")
    expect(doctor.alert).to_have_text("Less than 5 minutes left")
    expect(doctor.page.get_by_role("button", name="Add time")).to_be_visible()
    expect(patient.page.get_by_role("button", name="Add time")).to_have_count(0)

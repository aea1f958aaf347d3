"""The wheels that operators install: `callclock serve` from them alone shows the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-the-tests-of-40-characters!!"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with our wheels; what they depend on is borrowed, and none of our sources."""
    folder = tmp_path_factory.mktemp("installed")
    environ = os.environ | {"PYTHON": sys.executable}
    subprocess.run([ROOT / "deploy/build-wheels", folder / "wheels"], env=environ, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    wheels = sorted((folder / "wheels").glob("*.whl"))
    install = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python]
    subprocess.run([*install, "install", "--no-deps", "--no-index", *wheels], check=True)
    # A path file inside a borrowed folder is not read, so that our own editable packages stay out.
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv"


@pytest.fixture
def server(installed: Path, tmp_path: Path) -> Iterator[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CALLCLOCK_")}
    with subprocess.Popen(
        [installed / "bin/callclock", "serve", "--port", "0"],
        cwd=tmp_path,
        env=environ | {"CALLCLOCK_KEYS": f"key:{SECRET}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_installed_wheel_serves_the_page_and_its_scripts(installed: Path, server: str) -> None:
    page = httpx.get(server)
    assert "<title>Callclock is running</title>" not in page.text
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', page.text)
    assert httpx.get(server + script).headers["Content-Type"].startswith("text/javascript")
    where = subprocess.run(
        [installed / "bin/python", "-c", "import callclock_server as s; print(s.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed))

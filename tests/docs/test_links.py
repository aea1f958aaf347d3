"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    local = [link for link in links if not link.startswith(("http", "mailto:", "/"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"]
    missing = [page.name for page in pages if page.name != "README.md" and page.name not in index]
    assert missing == []

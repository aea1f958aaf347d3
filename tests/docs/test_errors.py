"""The page of error codes lists what the server can answer: no more, no less, with the right status."""

import re
from pathlib import Path

from callclock_server.api.problems import STATUS, leaves

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
ROW = re.compile(
    r'^\| <a id="(?P<anchor>[a-z-]+)"></a>`(?P<code>[a-z-]+)` \| (?P<status>\d{3}) \|', re.MULTILINE
)


def test_every_code_of_the_table_has_a_row_with_its_status() -> None:
    documented = {row["code"]: int(row["status"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}
    assert documented == dict(STATUS)


def test_every_error_of_the_domain_has_a_row_in_the_table() -> None:
    codes = {leaf.code for leaf in leaves()}
    assert codes <= set(STATUS)
    assert len(codes) > 30


def test_each_row_can_be_linked_to_by_its_code() -> None:
    rows = list(ROW.finditer(PAGE.read_text(encoding="utf-8")))
    assert rows
    assert all(row["anchor"] == row["code"] for row in rows)

"""`callclock records`: verified with keys that were kept, or with those of the server."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

VECTORS = json.loads((Path(__file__).parents[3] / "tests/vectors/records.json").read_text())
FIRST = VECTORS["signed"][0]


@pytest.fixture
def kept(tmp_path: Path) -> str:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(VECTORS["keys"]))
    return str(file)


def test_record_is_verified_with_keys_that_were_kept(run, tmp_path, kept) -> None:
    (tmp_path / "record.json").write_text(json.dumps(FIRST))
    status, out, _ = run("records", "verify", "record.json", "--keys", kept)
    assert status == 0
    assert (
        out
        == f"The record of session ses_1 is as it was signed, with the key {FIRST['signature']['key_id']}.\n"
    )


def test_altered_record_is_told_apart(run, tmp_path, kept) -> None:
    altered = FIRST | {"record": FIRST["record"] | {"overtime_seconds": 1}}
    (tmp_path / "record.json").write_text(json.dumps(altered))
    status, out, err = run("records", "verify", "record.json", "--keys", kept)
    assert (status, out) == (1, "")
    assert "not to be relied upon" in err


def test_record_with_a_name_twice_is_not_relied_upon(run, tmp_path, kept) -> None:
    """Of two values one is verified, and a reader may see the other."""
    text = json.dumps(FIRST).replace('"wall_seconds":', '"wall_seconds": 1, "wall_seconds":')
    (tmp_path / "record.json").write_text(text)
    status, out, err = run("records", "verify", "record.json", "--keys", kept)
    assert (status, out) == (1, "")
    assert "stands twice" in err


def test_csv_is_verified_from_the_input(run, kept, monkeypatch) -> None:
    text, signature = VECTORS["csv"]["text"], VECTORS["csv"]["signature"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("records", "verify", "-", "--signature", signature, "--keys", kept)[0] == 0


def test_what_is_no_record_is_refused_with_advice(run, tmp_path, kept) -> None:
    (tmp_path / "record.csv").write_text("row,session_id\n")
    status, _, err = run("records", "verify", "record.csv", "--keys", kept)
    assert status == 1
    assert "--signature" in err


def test_keys_are_asked_of_the_server_without_a_token(run, tmp_path, callclock_server) -> None:
    status, out, _ = run("records", "keys", "--url", callclock_server.url)
    assert (status, len(json.loads(out)["keys"])) == (0, 1)
    (tmp_path / "record.json").write_text(json.dumps(FIRST))
    status, _, err = run("records", "verify", "record.json", "--url", callclock_server.url)
    assert status == 1
    assert "not among those given" in err


def test_keys_of_a_server_that_does_not_answer_are_asked_for_in_vain(run, free_port) -> None:
    status, _, err = run("records", "keys", "--url", f"http://127.0.0.1:{free_port}")
    assert status == 1
    assert "give keys that were kept" in err

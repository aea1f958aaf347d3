"""Records are verified as the shared vectors say; anything altered is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from callclock import SessionRecord, SignatureError, StreamClient, records
from callclock.testing import EmbeddedServer

VECTORS = json.loads((Path(__file__).parents[2] / "tests/vectors/records.json").read_text())
KEYS = VECTORS["keys"]
FIRST = VECTORS["signed"][0]


def altered(document: dict[str, Any], path: list[Any], value: Any) -> dict[str, Any]:
    """A copy with another value at `path`."""
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["name"])
def test_signed_record_is_verified_with_the_key_that_signed_it(vector: dict[str, Any]) -> None:
    assert records.canonical(vector["record"]).decode() == vector["canonical"]
    assert records.verify(vector, KEYS) == KEYS["keys"][vector["key"]]["kid"]


@pytest.mark.parametrize("change", VECTORS["altered"], ids=lambda change: change["name"])
def test_altered_record_is_refused(change: dict[str, Any]) -> None:
    record = altered(FIRST["record"], change["path"], change["value"])
    with pytest.raises(SignatureError):
        records.verify({"record": record, "signature": FIRST["signature"]}, KEYS)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        {},
        FIRST["signature"] | {"algorithm": "none"},
        FIRST["signature"] | {"value": ""},
        FIRST["signature"] | {"value": "?"},
        FIRST["signature"] | {"value": FIRST["signature"]["value"][:-4] + "AAAA"},
        FIRST["signature"] | {"key_id": "unknown"},
        VECTORS["signed"][1]["signature"] | {"key_id": FIRST["signature"]["key_id"]},
    ],
)
def test_wrong_signature_is_refused(signature: Any) -> None:
    with pytest.raises(SignatureError):
        records.verify({"record": FIRST["record"], "signature": signature}, KEYS)


def test_key_under_another_keys_name_is_refused() -> None:
    first, second = KEYS["keys"]
    with pytest.raises(SignatureError, match="not among those"):
        records.verify(FIRST, {"keys": [second | {"kid": first["kid"]}]})


def test_csv_is_verified_byte_by_byte() -> None:
    text, signature = VECTORS["csv"]["text"], VECTORS["csv"]["signature"]
    assert records.verify_csv(text, KEYS, signature=signature) == KEYS["keys"][0]["kid"]
    for wrong in (text + "\r\n", text.replace("900", "901"), text.replace("\r\n", "\n")):
        with pytest.raises(SignatureError):
            records.verify_csv(wrong, KEYS, signature=signature)
    with pytest.raises(SignatureError, match="no signature"):
        records.verify_csv(text, KEYS)


def test_record_of_the_real_server_is_verified(
    callclock_server: EmbeddedServer, callclock_client: StreamClient
) -> None:
    client = callclock_client
    client.upsert_users({"ann": {}})
    call = client.video.call("default", callclock_server.fresh_id())
    call.create(data={"created_by_id": "ann", "settings_override": {"media": {"engine": "none"}}})
    session = call.join(user_id="ann").call.session
    assert session is not None
    client.test_clock.advance(1234.567891)
    call.end()
    keys, record, csv = client.record_keys(), call.record(session.id), call.signed_record_csv(session.id)
    assert record.wall_seconds == 1234.567891
    assert records.verify(record, keys) == records.verify_csv(csv, keys) == keys["keys"][0]["kid"]
    stored = json.loads(
        json.dumps({"record": record.document, "signature": vars(record.signature)}, default=str)
    )
    assert records.verify(stored, keys)
    with pytest.raises(SignatureError):
        records.verify(SessionRecord.from_json(record.document), keys)
    with pytest.raises(SignatureError, match="not among those"):
        records.verify(record, KEYS)

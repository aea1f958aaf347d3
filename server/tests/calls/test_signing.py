"""Signatures over records: the shared vectors, and what has no canonical form."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from callclock import records
from callclock_server.calls.signing import RecordSigner
from callclock_server.domain.canonical import canonical, exact
from callclock_server.settings import Settings
from hypothesis import given
from hypothesis import strategies as st

VECTORS = json.loads((Path(__file__).parents[3] / "tests/vectors/records.json").read_text())
SEEDS = [bytes.fromhex(seed) for seed in VECTORS["seeds"]]
SECRETS = {"new": "the-secret-of-the-new-key", "old": "the-secret-of-the-old-key"}

moments = st.integers(-(10**14), 10**14).map(lambda micros: micros / 1_000_000)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | moments
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["name"])
def test_records_are_signed_as_the_vectors_say(vector: dict[str, Any]) -> None:
    number = vector["key"]
    signed = RecordSigner(SEEDS[number:] + SEEDS[:number]).sign_record(vector["record"])
    assert canonical(vector["record"]).decode() == vector["canonical"]
    assert signed == {"record": vector["record"], "signature": vector["signature"]}


def test_keys_and_csv_are_as_the_vectors_say() -> None:
    signer = RecordSigner(SEEDS)
    assert signer.public_keys() == VECTORS["keys"]
    assert signer.sign_csv(VECTORS["csv"]["text"]) == VECTORS["csv"]["signature"]


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.1 + 0.2, 2**53, {"a": object()}, b"bytes"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"canonical|millionths|large|number"):
        canonical(value)


@given(values)
def test_server_and_sdk_agree_on_the_form_also_after_a_journey_as_json(value: Any) -> None:
    told = exact(value)
    assert canonical(told) == records.canonical(json.loads(json.dumps(told)))


def test_sums_lose_their_dust_before_they_are_signed() -> None:
    signed = RecordSigner(SEEDS).sign_record({"wall_seconds": 0.1 + 0.2, "seconds": 900})
    assert signed["record"] == {"wall_seconds": 0.3, "seconds": 900}
    assert records.verify(signed, VECTORS["keys"]) == VECTORS["keys"]["keys"][0]["kid"]


def test_keys_follow_the_api_secrets_unless_they_are_configured() -> None:
    derived = Settings(keys=SECRETS)
    swapped = Settings(keys=dict(reversed(SECRETS.items())))
    assert sorted(derived.record_key_seeds) == sorted(swapped.record_key_seeds)
    assert derived.record_key_seeds != swapped.record_key_seeds
    assert len({*derived.record_key_seeds, *SECRETS.values()}) == 4
    configured = Settings(keys=SECRETS, record_keys="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")  # type: ignore[arg-type]
    assert configured.record_key_seeds == (bytes(32),)


@pytest.mark.parametrize("text", ["AAAA", "not base64url!", "A" * 44])
def test_a_key_of_another_length_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="key 1 is not 32 bytes"):
        Settings(keys=SECRETS, record_keys=(text,))

"""What the package promises as a whole."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

import callclock
from callclock import AsyncStreamClient, RetryPolicy, StreamClient, VideoOwnCapability
from callclock._tokens import BACKDATED_SECONDS, TokenMint

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a secret of the tests, long enough to sign with"


def test_public_names_are_sorted_and_exist() -> None:
    assert callclock.__all__ == sorted(callclock.__all__)
    assert all(hasattr(callclock, name) for name in callclock.__all__)


def test_every_public_class_is_documented() -> None:
    undocumented = [name for name in callclock.__all__ if not inspect.getdoc(getattr(callclock, name))]
    assert undocumented == []


def test_package_is_typed() -> None:
    assert (Path(callclock.__file__).parent / "py.typed").is_file()


def test_synchronous_client_is_current() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "tools/generate_sync.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_both_clients_offer_the_same() -> None:
    def names(kind: type) -> set[str]:
        return {name.removeprefix("a") if name == "aclose" else name for name in dir(kind) if name[0] != "_"}

    assert names(StreamClient) == names(AsyncStreamClient)
    assert names(callclock.Call) == names(callclock.AsyncCall)
    assert names(callclock.Video) == names(callclock.AsyncVideo)


def test_sdk_does_not_import_the_server() -> None:
    code = "import sys, callclock; sys.exit(any(name.startswith('callclock_server') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_capability_is_the_string_that_the_server_speaks() -> None:
    assert VideoOwnCapability.CHANGE_MAX_DURATION == "change-max-duration"
    assert all(member.name == member.value.upper().replace("-", "_") for member in VideoOwnCapability)


def test_user_token_is_signed_here_and_names_user_expiry_and_calls() -> None:
    token = StreamClient("key", SECRET).create_token("bill", expires_in_seconds=60, call_cids=["a:1"])
    claims = jwt.decode(token, SECRET, ["HS256"])
    assert (claims["user_id"], claims["call_cids"]) == ("bill", ["a:1"])
    assert claims["exp"] - claims["iat"] == 60 + BACKDATED_SECONDS


def test_user_token_is_good_for_every_call_unless_told_otherwise() -> None:
    assert "call_cids" not in jwt.decode(StreamClient("key", SECRET).create_token("bill"), SECRET, ["HS256"])
    with pytest.raises(ValueError, match="at least 1"):
        StreamClient("key", SECRET).create_token("bill", expires_in_seconds=0)


def test_token_follows_the_server_clock_once_it_is_known() -> None:
    mint = TokenMint(SECRET, read_clock=lambda: 1_000.0)
    mint.learn_server_time(5_000.0)
    token = mint.server_token(expires_in_seconds=60)
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == 5_060


def test_waits_double_up_to_their_limit() -> None:
    policy = RetryPolicy(attempts=6, first_delay_seconds=1.0, max_delay_seconds=5.0)
    waits = [policy.delay_before(attempt, jitter=1.0, retry_after_seconds=None) for attempt in range(2, 8)]
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0, None]
    assert policy.delay_before(2, jitter=0.0, retry_after_seconds=None) == 0.5


def test_wait_is_the_one_the_server_asks_for_unless_too_long() -> None:
    policy = RetryPolicy(max_delay_seconds=5.0)
    assert policy.delay_before(2, jitter=0.5, retry_after_seconds=3.0) == 3.0
    assert policy.delay_before(2, jitter=0.5, retry_after_seconds=6.0) is None

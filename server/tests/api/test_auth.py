"""Who is let in, judged by the doorman alone."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from callclock_server.api.auth import LEEWAY_SECONDS, Doorman, bearer_token
from callclock_server.domain import errors
from callclock_server.timekeeping import FakeClock

SECRET, OTHER = "s" * 32, "o" * 32
CLOCK = FakeClock()
NOW = CLOCK.now().timestamp()
DOORMAN = Doorman({"key": SECRET, "other": OTHER}, CLOCK)


def token(secret: str = SECRET, **claims: Any) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def admit(made: str | None, api_key: str | None = "key") -> Any:
    return DOORMAN.admit(api_key=api_key, token=made)


def test_a_server_token_needs_no_expiry() -> None:
    identity = admit(token(server=True))
    assert identity.actor.server
    assert identity.expires_at is None


def test_a_user_token_names_its_user_and_calls() -> None:
    identity = admit(token(user_id="bill", exp=NOW + 60, call_cids=["a:b"]))
    assert (identity.actor.user_id, identity.actor.call_cids) == ("bill", frozenset({"a:b"}))
    assert not identity.actor.server


def test_a_token_is_good_until_its_leeway_is_over() -> None:
    assert admit(token(user_id="bill", exp=NOW - LEEWAY_SECONDS + 1)).actor.user_id == "bill"
    with pytest.raises(errors.TokenExpired):
        admit(token(user_id="bill", exp=NOW - LEEWAY_SECONDS))


def test_a_second_key_works_beside_the_first() -> None:
    assert admit(token(OTHER, server=True), "other").actor.api_key == "other"


REFUSED: dict[str, tuple[str | None, str | None, type[errors.CallclockError]]] = {
    "no token": (None, "key", errors.AuthenticationRequired),
    "no key": (token(server=True), None, errors.AuthenticationRequired),
    "unknown key": (token(server=True), "nobody", errors.UnknownApiKey),
    "garbage": ("garbage", "key", errors.InvalidToken),
    "too long": ("x" * 9000, "key", errors.InvalidToken),
    "token of another key": (token(OTHER, server=True), "key", errors.InvalidToken),
    "unsigned": (jwt.encode({"server": True}, "", algorithm="none"), "key", errors.InvalidToken),
    "another algorithm": (
        jwt.encode({"server": True}, SECRET * 2, algorithm="HS512"),
        "key",
        errors.InvalidToken,
    ),
    "no subject": (token(exp=NOW + 60), "key", errors.InvalidToken),
    "server only by truth": (token(server="yes", exp=NOW + 60), "key", errors.InvalidToken),
    "user without expiry": (token(user_id="bill"), "key", errors.InvalidToken),
    "expiry that is no number": (token(server=True, exp=True), "key", errors.InvalidToken),
    "odd user id": (token(user_id="a b", exp=NOW + 60), "key", errors.InvalidToken),
    "issued in the future": (token(user_id="bill", exp=NOW + 600, iat=NOW + 60), "key", errors.InvalidToken),
    "call_cids that are no list": (
        token(user_id="bill", exp=NOW + 60, call_cids="a:b"),
        "key",
        errors.InvalidToken,
    ),
    "expired server token": (token(server=True, exp=NOW - 60), "key", errors.TokenExpired),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    made, api_key, error = REFUSED[case]
    with pytest.raises(error):
        admit(made, api_key)


def test_the_header_must_be_bearer() -> None:
    assert bearer_token(None) is None
    assert bearer_token("bearer abc") == "abc"
    for header in ("Basic abc", "Bearer", "Bearer  "):
        with pytest.raises(errors.InvalidToken):
            bearer_token(header)

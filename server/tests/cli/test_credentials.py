"""`callclock keys` and `callclock token`."""

from __future__ import annotations

import jwt
import pytest
from callclock_server.settings import Settings


def claims_of(token: str, secret: str) -> dict[str, object]:
    decoded: dict[str, object] = jwt.decode(token.strip(), secret, ["HS256"])
    return decoded


def test_generated_line_is_a_configuration_and_never_the_same(run) -> None:
    lines = {run("keys", "generate")[1] for _ in range(3)}
    assert len(lines) == 3
    name, _, value = lines.pop().strip().partition("=")
    [secret] = Settings.load(environ={name: value}).keys.values()
    assert len(secret) >= 32


def test_record_key_is_a_configuration_and_never_the_same(run, keys) -> None:
    lines = {run("keys", "record")[1] for _ in range(3)}
    assert len(lines) == 3
    name, _, value = lines.pop().strip().partition("=")
    [seed] = Settings.load(environ={name: value, **keys}).record_key_seeds
    assert len(seed) == 32


def test_token_is_for_the_user_and_the_calls(run, keys) -> None:
    secret = keys["CALLCLOCK_KEYS"].partition(":")[2]
    status, out, _ = run("token", "bill", "--expires-in", "60", "--call", "a:1", "--call", "a:2", **keys)
    assert status == 0
    claims = claims_of(out, secret)
    assert (claims["user_id"], claims["call_cids"]) == ("bill", ["a:1", "a:2"])


def test_server_token_may_do_everything_for_a_while(run, keys) -> None:
    claims = claims_of(run("token", "--server", **keys)[1], keys["CALLCLOCK_KEYS"].partition(":")[2])
    assert claims["server"] is True
    assert "exp" in claims


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "either a user or --server"),
        (["bill", "--server"], "either a user or --server"),
        (["--server", "--call", "a:1"], "good for every call"),
        (["bill", "--call", "nonsense"], "type:id"),
    ],
    ids=["nobody", "both", "server for one call", "no call"],
)
def test_impossible_token_is_refused_with_advice(run, keys, arguments: list[str], expected: str) -> None:
    status, out, err = run("token", *arguments, **keys)
    assert (status, out) == (1, "")
    assert expected in err


def test_without_a_key_the_way_to_one_is_told(run) -> None:
    status, _, err = run("token", "bill")
    assert status == 1
    assert "callclock keys generate" in err
    assert "Traceback" not in err

"""What a client may say, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from callclock_server.api.event_stream.protocol import (
    MAX_CIDS_PER_MESSAGE,
    MAX_FAULTS,
    MAX_MESSAGE_BYTES,
    MESSAGE_BURST,
    Auth,
    Close,
    CloseCode,
    Conversation,
    Fault,
    Ping,
    Unwatch,
    Watch,
)

AUTH = {"type": "auth", "api_key": "k", "token": "t"}


def say(conversation: Conversation, message: Any, *, now: float = 0.0) -> Any:
    return conversation.receive(json.dumps(message), now=now)


@pytest.fixture
def admitted() -> Conversation:
    return Conversation(authenticated=True)


def test_the_first_message_is_auth() -> None:
    assert say(Conversation(), AUTH) == Auth("k", "t", None)
    assert say(Conversation(), {**AUTH, "connection_id": "c"}) == Auth("k", "t", "c")


@pytest.mark.parametrize(
    "message", [{"type": "watch", "cids": ["a:b"]}, {"type": "ping"}, {"type": "auth"}, [], "x", {"type": 1}]
)
def test_anything_else_first_ends_the_connection(message: Any) -> None:
    assert say(Conversation(), message) == Close(CloseCode.AUTH_FAILED, "authentication-required")


def test_a_second_auth_is_refused(admitted: Conversation) -> None:
    assert say(admitted, AUTH).code == "invalid-value"


def test_watch_unwatch_and_ping(admitted: Conversation) -> None:
    assert say(admitted, {"type": "watch", "cids": ["a:b", "a:b", "a:c"]}) == Watch(("a:b", "a:c"))
    assert say(admitted, {"type": "unwatch", "cids": ["a:b"]}) == Unwatch(("a:b",))
    assert say(admitted, {"type": "watch", "cids": ["a:b"], "after": {"a:b": 7, "a:c": 1}}) == Watch(
        ("a:b",), {"a:b": 7}
    )
    assert say(admitted, {"type": "ping"}) == Ping()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "watch"}, "missing-field"),
        ({"type": "watch", "cids": ["a:b"], "after": ["a:b"]}, "invalid-value"),
        ({"type": "watch", "cids": ["a:b"], "after": {"a:b": -1}}, "invalid-value"),
        ({"type": "watch", "cids": ["a:b"], "after": {"a:b": True}}, "invalid-value"),
        ({"type": "watch", "cids": []}, "missing-field"),
        ({"type": "watch", "cids": ["no colon"]}, "invalid-id"),
        ({"type": "watch", "cids": [1]}, "invalid-id"),
        ({"type": "watch", "cids": ["a:b"] * (MAX_CIDS_PER_MESSAGE + 1)}, "invalid-value"),
        ({"type": "sing"}, "invalid-value"),
        ([], "invalid-value"),
    ],
)
def test_a_wrong_message_is_a_fault_and_the_connection_lives(
    admitted: Conversation, message: Any, code: str
) -> None:
    outcome = say(admitted, message)
    assert isinstance(outcome, Fault)
    assert outcome.code == code


def test_broken_json_is_a_fault(admitted: Conversation) -> None:
    assert admitted.receive("{", now=0).code == "invalid-json"  # type: ignore[union-attr]
    assert admitted.receive(b"\xff\xfe", now=0).code == "invalid-json"  # type: ignore[union-attr]


def test_too_many_faults_end_the_connection(admitted: Conversation) -> None:
    outcomes = [admitted.receive("{", now=float(second)) for second in range(MAX_FAULTS + 1)]
    assert all(isinstance(outcome, Fault) for outcome in outcomes[:-1])
    assert outcomes[-1] == Close(CloseCode.BAD_MESSAGES, "too-many-faults")


def test_a_message_that_is_too_large_ends_the_connection(admitted: Conversation) -> None:
    assert admitted.receive("x" * (MAX_MESSAGE_BYTES + 1), now=0) == Close(
        CloseCode.BAD_MESSAGES, "message-too-large"
    )


def test_a_flood_ends_the_connection_and_a_steady_talker_does_not(admitted: Conversation) -> None:
    steady = [say(admitted, {"type": "ping"}, now=second * 0.05) for second in range(1000)]
    assert set(steady) == {Ping()}
    flood = [say(admitted, {"type": "ping"}, now=100.0) for _ in range(int(MESSAGE_BURST) + 1)]
    assert flood[-1] == Close(CloseCode.BAD_MESSAGES, "too-many-messages")

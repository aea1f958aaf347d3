"""The event stream's rules, without any I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callclock import CallEvent, InvalidInput, UnexpectedAnswer
from callclock._event_protocol import EventProtocol, Step

TIME = "2026-11-23T13:00:00Z"


def receive(protocol: EventProtocol, **message: Any) -> Step:
    return protocol.receive(json.dumps(message))


def watched(last_event_id: int) -> EventProtocol:
    protocol = EventProtocol(["a:1"])
    call = {"cid": "a:1", "type": "a", "id": "1", "last_event_id": last_event_id}
    receive(protocol, type="watch.ok", calls=[{"call": call}], errors=[])
    return protocol


def test_watch_is_sent_once_the_server_has_let_us_in() -> None:
    protocol = EventProtocol(["a:1", "a:2", "a:1"])
    step = receive(protocol, type="connection.ok", connection_id="c")
    assert [json.loads(text) for text in step.send] == [{"type": "watch", "cids": ["a:1", "a:2"]}]
    assert json.loads(protocol.hello(api_key="k", token="t"))["connection_id"] == "c"


def test_event_is_handed_on_once() -> None:
    protocol = watched(4)
    event = {"type": "call.ended", "cid": "a:1", "id": 5, "created_at": TIME, "reason": "ended_by_user"}
    assert len(receive(protocol, **event).events) == 1
    assert receive(protocol, **event) == Step()


def test_one_hole_asks_for_the_state_once() -> None:
    protocol = watched(4)
    sent = [receive(protocol, type="call.updated", cid="a:1", id=id).send for id in (9, 12)]
    assert [len(texts) for texts in sent] == [1, 0]


def test_state_read_again_is_never_older_than_what_was_handed_on() -> None:
    protocol = watched(4)
    receive(protocol, type="call.updated", cid="a:1", id=9)
    call = {"cid": "a:1", "type": "a", "id": "1", "last_event_id": 8}
    receive(protocol, type="watch.ok", calls=[{"call": call}], errors=[])
    assert receive(protocol, type="call.updated", cid="a:1", id=9) == Step()


def test_kind_that_is_not_known_yet_is_a_plain_event() -> None:
    [event] = receive(watched(0), type="call.moved_to_mars", cid="a:1", id=1, planet="Mars").events
    assert type(event) is CallEvent
    assert event.extra == {"planet": "Mars"}


def test_message_that_is_not_known_yet_is_passed_over() -> None:
    assert receive(watched(0), type="weather.report") == Step()


@pytest.mark.parametrize("text", ["not json", "[]", '"text"'])
def test_nonsense_is_unexpected(text: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        watched(0).receive(text)


def test_fault_is_an_error_with_its_code() -> None:
    with pytest.raises(InvalidInput, match="too many calls") as caught:
        receive(watched(0), type="error", code="invalid-value", detail="too many calls")
    assert caught.value.code == "invalid-value"

"""Stand-ins for a server: one for requests, one for the event stream. The real one is in test_real_*."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

API_KEY = "test-key"
SECRET = "a secret of the tests, long enough to sign with"
TIME = "2026-11-23T13:00:00.000000Z"


class ScriptedApi:
    """Answers requests from a list, one after the other, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.transport = httpx.MockTransport(self._answer)

    def will_answer(
        self, body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Line up one answer."""
        content = {"server_time": TIME} | (body or {})
        self.answers.append(httpx.Response(status, json=content, headers=headers))

    def will_refuse(self, status: int, code: str, **fields: Any) -> None:
        """Line up one refusal."""
        headers = fields.pop("headers", None)
        problem = {
            "type": f"/docs/errors#{code}",
            "title": "No",
            "status": status,
            "detail": "No.",
            "code": code,
        }
        self.will_answer(problem | {"request_id": "r-1"} | fields, status=status, headers=headers)

    def will_fail(self, failure: Exception) -> None:
        """Line up one failure of the network."""
        self.answers.append(failure)

    def bodies(self) -> list[Any]:
        """What was sent, decoded."""
        return [json.loads(request.content) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedStream:
    """A WebSocket server that plays one scene per connection, and remembers what it was told."""

    def __init__(self) -> None:
        self.scenes: list[Callable[[ServerConnection], None]] = []
        self.heard: list[dict[str, Any]] = []
        self._server: Server = serve(self._play, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        port = self._server.socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"

    def scene(self, play: Callable[[ServerConnection], None]) -> None:
        """Line up what happens on one connection; without a scene left, connections are closed."""
        self.scenes.append(play)

    def hear(self, connection: ServerConnection) -> dict[str, Any]:
        """The client's next message."""
        message: dict[str, Any] = json.loads(connection.recv(timeout=5))
        self.heard.append(message)
        return message

    def greet(self, connection: ServerConnection, *, replayed: Sequence[str] = (), **states: int) -> None:
        """Go through `auth` and `watch` for calls named by id, each with its `last_event_id`."""
        self.hear(connection)
        self.tell(connection, type="connection.ok", connection_id="c-1", user_id=None)
        self.hear(connection)
        self.answer_watch(connection, replayed=replayed, **states)

    def answer_watch(
        self, connection: ServerConnection, *, replayed: Sequence[str] = (), **states: int
    ) -> None:
        """Answer a `watch`."""
        calls = [
            {"call": call_state(id, last_event_id), "members": [], "own_capabilities": ["read-call"]}
            for id, last_event_id in states.items()
        ]
        self.tell(connection, type="watch.ok", calls=calls, errors=[], replayed=list(replayed))

    def event(self, connection: ServerConnection, id: int, type: str = "call.updated", **fields: Any) -> None:
        """Tell of an event of the call `visit`."""
        self.tell(connection, type=type, id=id, cid="appointment:visit", created_at=TIME, **fields)

    def tell(self, connection: ServerConnection, **message: Any) -> None:
        """Send one message."""
        connection.send(json.dumps({"server_time": TIME} | message))

    def close(self) -> None:
        """Stop and wait for it."""
        self._server.shutdown()
        self._thread.join(timeout=5)

    def _play(self, connection: ServerConnection) -> None:
        if self.scenes:
            try:
                self.scenes.pop(0)(connection)
            except ConnectionClosed:
                return


def call_state(id: str, last_event_id: int = 0) -> dict[str, Any]:
    """A call as the server tells it, with a key that no SDK knows yet."""
    return {
        "cid": f"appointment:{id}",
        "type": "appointment",
        "id": id,
        "created_at": TIME,
        "last_event_id": last_event_id,
        "settings": {"limits": {"max_duration_seconds": 3600, "overtime_seconds": 60}},
        "session": None,
        "from_the_future": True,
    }


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def stream() -> Iterator[ScriptedStream]:
    server = ScriptedStream()
    yield server
    server.close()


@pytest.fixture
def credentials() -> tuple[str, str]:
    return API_KEY, SECRET

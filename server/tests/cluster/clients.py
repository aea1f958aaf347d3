"""People at several nodes: they ask the next node when one fails, come back when they are cut off, and keep a
journal of what was acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from callclock_server.testing import API_KEY, user_token
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from .stage import Stage, headers

ANSWER_WITHIN_SECONDS = 3.0
GIVE_UP_SECONDS = 40.0
CONNECT_WITHIN_SECONDS = 2.0
AGAIN_AFTER_SECONDS = 0.1
TOKEN_SECONDS = 7_200


class Refused(Exception):
    """The server has understood and said no."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass
class Journal:
    """What was acknowledged: changes of deadlines by call, participants by session."""

    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)

    def extended(self, cid: str, change: dict[str, Any], *, key: str) -> None:
        known = self.changes.setdefault(cid, {}).setdefault(change["id"], change["seconds"])
        assert known == change["seconds"]
        self.keys.setdefault(f"{cid} {key}", set()).add(change["id"])

    def joined(self, answer: dict[str, Any]) -> None:
        self.participants[answer["participant"]["id"]] = answer["call"]["session"]["id"]


class Caller:
    """Somebody who sends requests: to the named node first, then to the others in turn."""

    def __init__(self, stage: Stage, token: str | None = None) -> None:
        self._stage = stage
        limits = httpx.Limits(max_connections=100)
        self._client = httpx.AsyncClient(
            verify=False, headers=headers(token), timeout=ANSWER_WITHIN_SECONDS, limits=limits
        )
        self._turns = itertools.count()

    async def close(self) -> None:
        await self._client.aclose()

    async def must(
        self, method: str, path: str, body: Any = None, *, first: int | None = None
    ) -> dict[str, Any]:
        """The answer, from whichever node gives one. Raises `Refused`, or TimeoutError in the end."""
        start = next(self._turns) if first is None else first
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for attempt in itertools.count():
            node = self._stage.nodes[(start + attempt) % len(self._stage.nodes)]
            with suppress(httpx.TransportError):
                response = await self._client.request(method, node.url + path, json=body)
                if response.is_success:
                    answer: dict[str, Any] = response.json()
                    return answer
                if response.status_code < 500:
                    raise Refused(response.status_code, response.json().get("code", ""))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: no node answers")
            await asyncio.sleep(AGAIN_AFTER_SECONDS)
        raise AssertionError


class Watcher:
    """An event stream that comes back: to the next node, with the same id, from the last event heard.

    `told` says when each call's end was heard of. `faults` collects events that came twice or were missing.
    """

    def __init__(self, stage: Stage, user_id: str, *, first: int) -> None:
        self.user_id = user_id
        self.told: dict[str, float] = {}
        self.faults: list[str] = []
        self.connection_id: str | None = None
        self.node = first
        self.connects = 0
        self._stage = stage
        self._token = user_token(user_id, ttl_seconds=TOKEN_SECONDS)
        self._last: dict[str, int] = {}
        self._awaited: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._news = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._watching = False
        self._task = asyncio.create_task(self._run())

    async def watch(self, cids: Iterable[str]) -> None:
        """Watch these calls too, from now on and over every reconnect; returns when the server says so."""
        new = [cid for cid in cids if cid not in self._last]
        self._last.update(dict.fromkeys(new, -1))
        if self._socket is not None and self._watching:
            with suppress(WebSocketException, OSError):
                await self._send(self._socket, new)
        await self._until(lambda: all(self._last[cid] >= 0 for cid in new))

    async def connected(self) -> str:
        """Wait for the stream, and return its id."""
        await self._until(lambda: self.connection_id is not None)
        assert self.connection_id is not None
        return self.connection_id

    async def comes_back(self) -> None:
        """Wait until the stream has been lost and is there again."""
        before = self.connects
        await self._until(lambda: self.connects > before and self._watching)

    async def hears_the_end(self, cid: str) -> float:
        """Wait until the end of a call is known; return when that was."""
        await self._until(lambda: cid in self.told)
        return self.told[cid]

    def heard(self, cid: str, kind: str, *, watched: bool = True) -> asyncio.Future[None]:
        """A future of the next event of a kind; with `watched=False` of a call that is not watched yet."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[cid, kind] = future
        assert watched == (cid in self._last)
        return future

    def loses(self, cid: str) -> asyncio.Future[None]:
        """A future of the moment in which the server stops telling of a call by itself."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[cid, "unwatch.ok"] = future
        return future

    def forget(self, cids: Iterable[str]) -> None:
        """These calls are over."""
        for cid in cids:
            self._last.pop(cid, None)
            self.told.pop(cid, None)

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _until(self, holds: Any) -> None:
        async with asyncio.timeout(GIVE_UP_SECONDS), self._news:
            await self._news.wait_for(holds)

    async def _run(self) -> None:
        while True:
            node = self._stage.nodes[self.node % len(self._stage.nodes)]
            with suppress(WebSocketException, InvalidHandshake, OSError, TimeoutError, EOFError):
                async with connect(
                    node.url.replace("http", "ws", 1) + "/v1/events",
                    open_timeout=CONNECT_WITHIN_SECONDS,
                    close_timeout=0.1,
                    ping_interval=None,
                    max_size=None,
                    compression=None,
                    proxy=None,
                ) as socket:
                    await self._converse(socket)
            self._socket, self._watching = None, False
            self.node += 1
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def _converse(self, socket: ClientConnection) -> None:
        auth = {"type": "auth", "api_key": API_KEY, "token": self._token}
        async with asyncio.timeout(CONNECT_WITHIN_SECONDS):
            await socket.send(json.dumps(auth | {"connection_id": self.connection_id}))
            hello = json.loads(await socket.recv())
        if hello["type"] != "connection.ok":
            return
        self.connects += 1
        self._socket = socket
        async with self._news:
            self.connection_id = hello["connection_id"]
            self._news.notify_all()
        if self._last:
            await self._send(socket, list(self._last))
        self._watching = True
        async for text in socket:
            self._take(json.loads(text))
            async with self._news:
                self._news.notify_all()

    async def _send(self, socket: ClientConnection, cids: list[str]) -> None:
        after = {cid: self._last[cid] for cid in cids if self._last[cid] >= 0}
        for start in range(0, len(cids), 500):
            part = cids[start : start + 500]
            named = {cid: after[cid] for cid in part if cid in after}
            await socket.send(json.dumps({"type": "watch", "cids": part, "after": named}))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "watch.ok":
            replayed = set(message.get("replayed", ()))
            for state in message["calls"]:
                call = state["call"]
                if call["cid"] not in replayed and call["cid"] in self._last:
                    self._last[call["cid"]] = call["last_event_id"]
                    if call["ended_at"]:
                        self.told.setdefault(call["cid"], time.time())
            return
        for named in message.get("cids", [message.get("cid")]):
            awaited = self._awaited.pop((named, message["type"]), None)
            if awaited is not None and not awaited.done():
                awaited.set_result(None)
        cid = message.get("cid")
        if cid not in self._last or "id" not in message:
            return
        last = self._last[cid]
        if message["id"] != last + 1 and last >= 0:
            self.faults.append(f"{self.user_id}: {cid} {message['type']} {message['id']} after {last}")
        self._last[cid] = message["id"]
        if message["type"] == "call.ended":
            self.told.setdefault(cid, time.time())

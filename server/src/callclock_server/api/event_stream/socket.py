"""The thin WebSocket shell: reads into `protocol.py`, writes from `outbox.py`, closes with a reason."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from callclock_server.api.auth import Doorman
from callclock_server.api.event_stream.connection import Connection
from callclock_server.api.event_stream.frames import EXTENSION, stamped, text_frame
from callclock_server.api.event_stream.handoff import REASON, reconnect_hint
from callclock_server.api.event_stream.hub import Hub
from callclock_server.api.event_stream.protocol import (
    AUTH_WITHIN_SECONDS,
    Auth,
    Close,
    CloseCode,
    Conversation,
    Fault,
    Outcome,
    Ping,
    Unwatch,
    Watch,
)
from callclock_server.api.wire import dump
from callclock_server.domain.errors import AuthenticationError, TokenExpired, Unavailable

CLOSE_WITHIN_SECONDS = 5.0
WRITE_BYTES = 64 * 1024
FLUSH_WITHIN_SECONDS = 1.0
# How soon somebody may try again who came to a process that stops.
TURNED_AWAY_SECONDS = (0.5, 1.5)


class EventSocket:
    """Serves one WebSocket after the other; holds nothing between them."""

    def __init__(self, *, hub: Hub, doorman: Doorman) -> None:
        self._hub = hub
        self._doorman = doorman
        self._turns_away = False

    def turn_away(self) -> None:
        """Send whoever comes from now on to another process."""
        self._turns_away = True

    async def serve(self, websocket: WebSocket) -> None:
        """Carry one event stream from its first message to its close."""
        await websocket.accept()
        if self._turns_away:
            await self._turn_away(websocket)
            return
        conversation = Conversation()
        try:
            async with asyncio.timeout(AUTH_WITHIN_SECONDS):
                admitted = await self._authenticate(websocket, conversation)
        except TimeoutError:
            admitted = Close(CloseCode.AUTH_FAILED, "authentication-required")
        except WebSocketDisconnect:
            return
        if isinstance(admitted, Close):
            await _close(websocket, admitted)
            return
        try:
            close = await self._carry(websocket, admitted, conversation)
        finally:
            await asyncio.shield(self._hub.leave(admitted))
        if close is not None:
            self._hub.count_drop(close)
            await _close(websocket, close)

    async def _authenticate(self, websocket: WebSocket, conversation: Conversation) -> Connection | Close:
        outcome = conversation.receive(await _receive(websocket), now=time.monotonic())
        if isinstance(outcome, Close):
            return outcome
        if not isinstance(outcome, Auth):
            return Close(CloseCode.AUTH_FAILED, "authentication-required")
        try:
            identity = self._doorman.admit(api_key=outcome.api_key, token=outcome.token)
            sink = websocket.scope.get("extensions", {}).get(EXTENSION)
            connection = await self._hub.admit(identity, resume=outcome.connection_id, sink=sink)
        except TokenExpired as error:
            return Close(CloseCode.TOKEN_EXPIRED, error.code)
        except AuthenticationError as error:
            return Close(CloseCode.AUTH_FAILED, error.code)
        except Unavailable as error:
            return Close(CloseCode.TRY_AGAIN, error.code)
        conversation.authenticated = True
        return connection

    async def _carry(
        self, websocket: WebSocket, connection: Connection, conversation: Conversation
    ) -> Close | None:
        """Read and write until either ends; return how the server wants to close, None when it is closed."""
        reader = asyncio.create_task(self._read(websocket, connection, conversation))
        writer = asyncio.create_task(self._write(websocket, connection))
        try:
            ends: set[asyncio.Future[Any]] = {reader, writer, connection.closing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer):
                task.cancel()
            outcomes = await asyncio.gather(reader, writer, return_exceptions=True)
        if connection.closing.done():
            close = connection.closing.result()
            if close.code is CloseCode.RESTARTING:
                await self._flush(websocket, connection)
            return close
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(
                outcome, WebSocketDisconnect | RuntimeError | OSError
            ):
                raise outcome
        return None

    async def _read(self, websocket: WebSocket, connection: Connection, conversation: Conversation) -> None:
        while True:
            outcome = conversation.receive(await _receive(websocket), now=time.monotonic())
            await self._act(connection, outcome)

    async def _act(self, connection: Connection, outcome: Outcome) -> None:
        match outcome:
            case Watch(cids, after):
                try:
                    await self._hub.watch(connection, cids, after=after)
                except Unavailable as error:
                    connection.close(CloseCode.TRY_AGAIN, error.code)
            case Unwatch(cids):
                self._hub.unwatch(connection, cids)
            case Ping():
                self._hub.check_health(connection)
            case Fault(code, detail):
                connection.say({"type": "error", "code": code, "detail": detail})
            case Close(code, reason):
                connection.close(code, reason)

    async def _write(self, websocket: WebSocket, connection: Connection) -> None:
        """Send what had to wait until cancelled, or until the socket takes no more."""
        while True:
            await connection.outbox.filled()
            connection.sending_since = time.monotonic()
            if not await self._send_waiting(websocket, connection):
                return
            connection.sending_since = None

    async def _send_waiting(self, websocket: WebSocket, connection: Connection) -> bool:
        """Send some of what waits, stamped at the last moment; False when the socket takes no more."""
        outbox, sink = connection.outbox, connection.sink
        if sink is None:
            (message,) = outbox.take(0)
            await websocket.send_text(stamped(message, self._hub.stamp()))
            return True
        await sink.drained()
        if not sink.open:
            return False
        now = self._hub.stamp()
        sink.write(b"".join([text_frame(stamped(m, now)) for m in outbox.take(WRITE_BYTES)]))
        return True

    async def _flush(self, websocket: WebSocket, connection: Connection) -> None:
        """Send what waits before a close that is nobody's fault: the hint and the last events."""
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            async with asyncio.timeout(FLUSH_WITHIN_SECONDS):
                while connection.outbox and await self._send_waiting(websocket, connection):
                    pass

    async def _turn_away(self, websocket: WebSocket) -> None:
        hint = dump(reconnect_hint(random.uniform(*TURNED_AWAY_SECONDS))).decode()
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            await websocket.send_text(stamped(hint, self._hub.stamp()))
        await _close(websocket, Close(CloseCode.RESTARTING, REASON))


async def _receive(websocket: WebSocket) -> str | bytes:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    return text if text is not None else message.get("bytes") or b""


async def _close(websocket: WebSocket, close: Close) -> None:
    """Close with a code; a reader that takes not even that is left to the keep-alive."""
    if websocket.application_state is not WebSocketState.CONNECTED:
        return
    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
        async with asyncio.timeout(CLOSE_WITHIN_SECONDS):
            await websocket.close(code=int(close.code), reason=close.reason)

"""Hands events to the connections of this process, and decides who may hear what.

The bus brings the events of a commit at once; a slow poll of the log brings whatever it lost, a quicker one
while the bus does not reach every node. Within a call each connection takes ids one after the other, so that
a hint which is lost, repeated or out of order costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from callclock_server.api.auth import LEEWAY_SECONDS, Identity
from callclock_server.api.event_stream.connection import Connection, Subscription
from callclock_server.api.event_stream.follower import Follower
from callclock_server.api.event_stream.frames import FrameSink, stamped, text_frame
from callclock_server.api.event_stream.handoff import Pace, hand_off
from callclock_server.api.event_stream.outbox import Outbox, OutboxLimits
from callclock_server.api.event_stream.protocol import HEALTH_CHECK_SECONDS, MAX_WATCHED, Close, CloseCode
from callclock_server.api.event_stream.stream_presence import StreamPresence
from callclock_server.api.metrics import Metrics
from callclock_server.api.wire import wire_time
from callclock_server.bus import ACCESS, Bus, call_channel, user_channel
from callclock_server.calls import read, users
from callclock_server.calls.answers import CallAnswer
from callclock_server.domain import events as kinds
from callclock_server.domain.errors import AuthenticationError, CallclockError, Unavailable
from callclock_server.storage import events
from callclock_server.storage.database import NOTICE, Database, EventRow, Hint
from callclock_server.storage.events import Head
from callclock_server.timekeeping import Clock

log = structlog.get_logger("callclock.events")

POLL_SECONDS = 0.7
POLL_ALONE_SECONDS = 0.4
POLL_AGAIN_SECONDS = 0.2
COMPARE_SECONDS = 5.0
TICK_SECONDS = 0.5
SEND_WITHIN_SECONDS = 10.0
CIDS_PER_READ = 50
# Who missed more than this reads the state instead.
MAX_REPLAYED = 500
_CHECKED_KINDS = frozenset({kinds.PERMISSIONS_UPDATED, kinds.MEMBER_REMOVED, kinds.MEMBER_UPDATED})


class Hub:
    """All event streams of one process."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        secret: str,
        node_id: str,
        limits: OutboxLimits | None = None,
        token_clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._token_clock = token_clock or clock
        self._metrics = metrics
        self._secret = secret
        self._node_id = node_id
        self.presence = StreamPresence(database, node_id=node_id, here=lambda: self._connections.keys())
        self._limits = limits
        self._connections: dict[str, Connection] = {}
        self._watchers: dict[str, set[Connection]] = {}
        self._channels: dict[str, Callable[[], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._follower = Follower(database, lacks=self._lacks, offer=self.offer, notice=self._notice)
        metrics.count_sockets(lambda: len(self._connections))

    # -- lifecycle -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Poll the log and look after the connections until cancelled."""
        unsubscribe = self._bus.subscribe(ACCESS, self._access_changed)
        polling = asyncio.create_task(self._poll())
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                self.tick(time.monotonic())
        finally:
            unsubscribe()
            polling.cancel()

    def close(self) -> None:
        """Tell every client to come back (1012)."""
        for connection in tuple(self._connections.values()):
            connection.close(CloseCode.RESTARTING, "restarting")

    async def hand_off(self, pace: Pace) -> None:
        """Send every client elsewhere; return when all of them are gone or told to close."""
        connections = tuple(self._connections.values())
        log.info("handing_off", streams=len(connections))
        await hand_off(connections, pace)

    def tick(self, now: float) -> None:
        """Health checks, expired tokens and readers that take nothing; `now` in monotonic seconds."""
        wall = self._token_clock.now().timestamp()
        for connection in tuple(self._connections.values()):
            if connection.expires_at is not None and connection.expires_at + LEEWAY_SECONDS <= wall:
                connection.close(CloseCode.TOKEN_EXPIRED, "token-expired")
            elif (
                connection.sending_since is not None and now - connection.sending_since > SEND_WITHIN_SECONDS
            ):
                connection.close(CloseCode.SLOW_READER, "slow-reader")
            elif now - connection.checked_at >= HEALTH_CHECK_SECONDS:
                connection.checked_at = now
                self.check_health(connection)

    # -- connections ---------------------------------------------------------------------------------------

    async def admit(
        self, identity: Identity, *, resume: str | None, sink: FrameSink | None = None
    ) -> Connection:
        """Open a connection for a verified token; `resume` carries the presence of an earlier one on.

        With a `sink`, messages go straight into the socket as long as its reader keeps up.

        Raises `UnknownUser`.
        """
        async with self._database.read() as tx:
            await users.require_user(tx, identity.actor)
        connection_id = self._resumed(resume, identity) or self._new_id(identity)
        connection = Connection(
            connection_id=connection_id,
            actor=identity.actor,
            expires_at=identity.expires_at,
            outbox=Outbox(self._limits),
            sink=sink,
            stamp=self.stamp,
            now=time.monotonic(),
        )
        former = self._connections.get(connection_id)
        self._connections[connection_id] = connection
        if former is not None:
            self._forget(former)
            former.close(CloseCode.REPLACED, "replaced")
        try:
            if connection_id == resume:
                await self.presence.resume(connection_id)
        except BaseException:
            self._remove(connection)  # unless a later one has taken its place meanwhile
            raise
        if identity.actor.user_id is not None:
            self._listen(user_channel(identity.actor.user_id), self._joined)
        connection.say(
            {"type": "connection.ok", "connection_id": connection_id, "user_id": identity.actor.user_id}
        )
        return connection

    async def leave(self, connection: Connection) -> None:
        """The socket is gone. Presence that hangs on it enters its grace, unless another has taken over."""
        if not connection.gone.done():
            connection.gone.set_result(None)
        if not self._remove(connection):
            return
        try:
            await self.presence.lose(connection.id)
        except Unavailable:
            self._start(self._report_lost_later(connection.id))

    def _remove(self, connection: Connection) -> bool:
        """Know a connection no longer; return whether its id was still its own."""
        self._forget(connection)
        if self._connections.get(connection.id) is not connection:
            return False
        del self._connections[connection.id]
        user_id = connection.actor.user_id
        if user_id is not None and not any(c.actor.user_id == user_id for c in self._connections.values()):
            self._unlisten(user_channel(user_id))
        return True

    async def _report_lost_later(self, connection_id: str) -> None:
        """Report it when the database is there again, unless the stream has come back meanwhile."""
        while connection_id not in self._connections:
            await asyncio.sleep(TICK_SECONDS)
            with suppress(Unavailable):
                await self.presence.lose(connection_id)
                return

    def stamp(self) -> str:
        """Return the present time as `server_time` says it."""
        return wire_time(self._clock.now())

    def count_drop(self, close: Close) -> None:
        """Count a connection that the server closed."""
        self._metrics.streams_dropped.labels(str(int(close.code))).inc()

    def check_health(self, connection: Connection) -> None:
        """Send `health.check`, whose `server_time` feeds the client's offset."""
        connection.say({"type": "health.check", "connection_id": connection.id})

    def _forget(self, connection: Connection) -> None:
        for cid in tuple(connection.subscriptions):
            self._drop(connection, cid)

    def _new_id(self, identity: Identity) -> str:
        nonce = self._node_id + secrets.token_hex(8)
        return f"{nonce}.{self._signature(nonce, identity)}"

    def _resumed(self, connection_id: str | None, identity: Identity) -> str | None:
        """The id, when it was given to the same subject: any process can tell, without a record."""
        nonce, separator, signature = (connection_id or "").partition(".")
        if not separator or not hmac.compare_digest(
            signature.encode(), self._signature(nonce, identity).encode()
        ):
            return None
        return connection_id

    def _signature(self, nonce: str, identity: Identity) -> str:
        subject = f"{nonce}\n{identity.actor.user_id or ''}\n{identity.actor.server}"
        return hmac.new(self._secret.encode(), subject.encode(), hashlib.sha256).hexdigest()[:32]

    # -- watching ------------------------------------------------------------------------------------------

    async def watch(
        self, connection: Connection, cids: Sequence[str], *, after: Mapping[str, int] | None = None
    ) -> None:
        """Watch calls: `watch.ok` with their state comes first, then every later event.

        For calls in `after` what came after that event is sent again, so that a reconnect misses nothing.
        """
        if len(connection.subscriptions) + len(cids) > MAX_WATCHED:
            detail = f"A connection may watch at most {MAX_WATCHED} calls."
            connection.say({"type": "error", "code": "invalid-value", "detail": detail})
            return
        states: list[dict[str, Any]] = []
        refused: list[dict[str, str]] = []
        ready: list[Subscription] = []
        for start in range(0, len(cids), CIDS_PER_READ):
            part = cids[start : start + CIDS_PER_READ]
            held = [self._hold(connection, cid) for cid in part]
            await self._bus.settled()
            answers = await self._answers(connection, part)
            for subscription in held:
                answer = answers[subscription.cid]
                if isinstance(answer, CallclockError):
                    self._drop(connection, subscription.cid)
                    refused.append({"cid": subscription.cid, "code": answer.code})
                else:
                    subscription.seen_id = max(subscription.seen_id, int(answer.call["last_event_id"]))
                    states.append(answer.as_json())
                    ready.append(subscription)
        replayed = [subscription for subscription in ready if _rewind(subscription, after or {})]
        names = [subscription.cid for subscription in replayed]
        connection.say({"type": "watch.ok", "calls": states, "errors": refused, "replayed": names})
        for subscription in ready:
            if subscription in replayed:
                self._start(self._catch_up(connection, subscription))
            else:
                self._release(connection, subscription)

    def unwatch(self, connection: Connection, cids: Iterable[str]) -> None:
        """Stop hearing of calls; ones that are not watched are no error."""
        named = list(cids)
        for cid in named:
            self._drop(connection, cid)
        connection.say({"type": "unwatch.ok", "cids": named})

    async def _answers(
        self, connection: Connection, cids: Sequence[str]
    ) -> Mapping[str, CallAnswer | CallclockError]:
        try:
            async with self._database.read() as tx:
                return await read.get_calls(tx, connection.actor, cids=cids)
        except CallclockError as error:
            if isinstance(error, Unavailable):
                raise
            return dict.fromkeys(cids, error)

    def _hold(self, connection: Connection, cid: str) -> Subscription:
        self._watchers.setdefault(cid, set()).add(connection)
        self._listen(call_channel(cid), self.offer)
        return connection.hold(cid)

    def _drop(self, connection: Connection, cid: str) -> None:
        connection.subscriptions.pop(cid, None)
        watchers = self._watchers.get(cid)
        if watchers is None:
            return
        watchers.discard(connection)
        if not watchers:
            del self._watchers[cid]
            self._unlisten(call_channel(cid))

    def _listen(self, channel: str, receiver: Callable[[Any], None]) -> None:
        if channel not in self._channels:
            self._channels[channel] = self._bus.subscribe(channel, receiver)

    def _unlisten(self, channel: str) -> None:
        unsubscribe = self._channels.pop(channel, None)
        if unsubscribe is not None:
            unsubscribe()

    # -- events --------------------------------------------------------------------------------------------

    def offer(self, rows: Iterable[EventRow]) -> None:
        """Take events of committed transactions; repeated ones are known by their ids. Never waits."""
        now = self.stamp()
        for row in rows:
            watchers = self._watchers.get(row.cid)
            if not watchers:
                continue
            frame = text_frame(stamped(row.payload, now))
            for connection in tuple(watchers):
                if not connection.deliver(row, frame):
                    subscription = connection.hold(row.cid)
                    if subscription.held is not None:
                        subscription.held.append(row)
                    self._start(self._catch_up(connection, subscription))
                elif row.type in _CHECKED_KINDS and _concerns(row, connection):
                    self._start(self._recheck(connection, row.cid))

    def _release(self, connection: Connection, subscription: Subscription) -> None:
        if not connection.release(subscription):
            self._start(self._catch_up(connection, subscription))

    async def _follow(self, connection: Connection, subscription: Subscription) -> None:
        """Go live once the bus brings the events that come after those in the log."""
        await self._bus.settled()
        await self._catch_up(connection, subscription)

    async def _catch_up(self, connection: Connection, subscription: Subscription) -> None:
        """Read what is missing between the last event sent and those held, then go live."""
        stuck: tuple[int, int] | None = None
        while True:
            try:
                async with self._database.read() as tx:
                    missing = await events.of_call(tx, cid=subscription.cid, after_id=subscription.seen_id)
            except Unavailable as error:
                connection.close(CloseCode.TRY_AGAIN, error.code)
                return
            if connection.subscriptions.get(subscription.cid) is not subscription:
                return
            rows = {row.id: row for row in [*missing, *(subscription.held or ())]}
            subscription.held = sorted(rows.values(), key=lambda row: row.id)
            if connection.release(subscription):
                return
            # What came while the log was read may be ahead of it: another look finds those in between.
            first, before = subscription.held[0].id, stuck
            stuck = (subscription.seen_id, first)
            if stuck == before:
                # They no longer exist (a purge): the client sees the gap and reads the state again.
                subscription.seen_id = first - 1

    async def _recheck(self, connection: Connection, cid: str) -> None:
        """Unwatch a call that the connection may no longer read."""
        type_name, _, call_id = cid.partition(":")
        try:
            async with self._database.read() as tx:
                await users.require_user(tx, connection.actor)
                await read.get_call(tx, connection.actor, type=type_name, id=call_id)
        except AuthenticationError as error:
            connection.close(CloseCode.AUTH_FAILED, error.code)
        except Unavailable as error:
            connection.close(CloseCode.TRY_AGAIN, error.code)
        except CallclockError as error:
            if cid in connection.subscriptions:
                self._drop(connection, cid)
                connection.say({"type": "unwatch.ok", "cids": [cid], "code": error.code})

    def _joined(self, notice: Any) -> None:
        """A user has joined a call: every stream of that user watches it from that event on."""
        if not self._follower.first_time(notice):
            return
        for connection in tuple(self._connections.values()):
            allowed = connection.actor.call_cids is None or notice["cid"] in connection.actor.call_cids
            if connection.actor.user_id != notice["user_id"] or not allowed:
                continue
            if notice["cid"] not in connection.subscriptions:
                subscription = self._hold(connection, notice["cid"])
                subscription.seen_id = int(notice["after_id"])
                self._start(self._follow(connection, subscription))

    def _access_changed(self, notice: Any) -> None:
        """Grants or roles have changed: look again at what the users concerned are watching."""
        if not self._follower.first_time(notice):
            return
        concerned = set(notice.get("users") or ())
        prefix = f"{notice['call_type']}:" if notice.get("call_type") else ""
        for connection in tuple(self._connections.values()):
            user_id = connection.actor.user_id
            if user_id is None or (concerned and user_id not in concerned):
                continue
            for cid in connection.subscriptions:
                if cid.startswith(prefix):
                    self._start(self._recheck(connection, cid))

    async def _poll(self) -> None:
        """Read the log now and then, and once more when the bus has come back."""
        compared_at = time.monotonic()
        while True:
            whole = self._bus.whole
            if not await self._safely(self._follower.poll):
                await asyncio.sleep(POLL_AGAIN_SECONDS)
                continue
            await self._safely(self.presence.keep)
            if time.monotonic() - compared_at > COMPARE_SECONDS:
                compared_at = time.monotonic()
                await self._safely(self.presence.let_go)
            await asyncio.sleep(POLL_SECONDS if whole and self._bus.whole else POLL_ALONE_SECONDS)

    @staticmethod
    async def _safely(work: Callable[[], Awaitable[int]]) -> bool:
        try:
            await work()
        except Unavailable as error:
            log.warning("event_poll_waits", reason=error.code)
        except Exception:
            log.exception("event_poll_failed")  # the edge of the loop: the next round must come
        else:
            return True
        return False

    def note(self, hint: Hint) -> None:
        """See a commit of this process go by."""
        self._follower.note(hint)

    def _lacks(self, head: Head) -> bool:
        """Whether somebody here waits for a row of the log."""
        if head.cid.startswith(NOTICE):
            channel = head.cid[len(NOTICE) :]
            return channel == ACCESS or channel in self._channels
        for connection in self._watchers.get(head.cid, ()):
            subscription = connection.subscriptions.get(head.cid)
            if subscription is not None and (subscription.held is not None or subscription.seen_id < head.id):
                return True
        return False

    def _notice(self, channel: str, notice: Any) -> None:
        """Take a notice that the log has brought."""
        if channel == ACCESS:
            self._access_changed(notice)
        else:
            self._joined(notice)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None:
                log.error("event_work_failed", exc_info=error)


def _rewind(subscription: Subscription, after: Mapping[str, int]) -> bool:
    """Go back to where an earlier connection stopped; False when there is nothing to send, or too much."""
    heard = after.get(subscription.cid)
    if heard is None or not 0 <= subscription.seen_id - heard <= MAX_REPLAYED:
        return False
    subscription.seen_id = heard
    return True


def _concerns(row: EventRow, connection: Connection) -> bool:
    """Whether an event may be about the connection's user: a cheap test that never misses one."""
    user_id = connection.actor.user_id
    return user_id is not None and f'"{user_id}"' in row.payload

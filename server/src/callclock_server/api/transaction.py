"""One transaction per request, decided here: committed with the answer, or undone with the problem.

A write may carry an `Idempotency-Key`. The look-up and the storing of the answer happen inside the same
transaction as the deed: either both are there or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from callclock_server.api.wire import dump, stamped_response
from callclock_server.calls import users
from callclock_server.domain.errors import IdempotencyKeyReused, InvalidInput
from callclock_server.domain.permissions import Actor
from callclock_server.storage import idempotency
from callclock_server.storage.database import Database, Transaction
from callclock_server.timekeeping import Clock

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_KEY_LENGTH = 255

Result = TypeVar("Result")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transactions:
    """Runs use cases for requests."""

    database: Database
    clock: Clock

    async def read(self, actor: Actor, deed: Callable[[Transaction], Awaitable[Body]]) -> Response:
        """Answer 200 with what `deed` returns, from one consistent state."""
        async with self.database.read() as tx:
            await users.require_user(tx, actor)
            body = await deed(tx)
        return stamped_response(dump(body), now=self.clock.now())

    async def write(
        self,
        request: Request,
        actor: Actor,
        deed: Callable[[Transaction], Awaitable[Body]],
        *,
        status: int | Callable[[Body], int] = 200,
        repeat: bool = False,
    ) -> Response:
        """Run `deed` and commit; with a known idempotency key, repeat the first answer instead.

        `deed` runs again when its transaction lost a race (`Database.run`). `repeat` runs it although the key
        is known, and its answer takes the place of the first one.
        """
        key = idempotency_key(request)
        if key is None:

            async def once(tx: Transaction) -> Body:
                await users.require_user(tx, actor)
                return await deed(tx)

            body = await self.database.run(once)
            return stamped_response(dump(body), now=self.clock.now(), status=_status(status, body))
        return await self._write_once(request, actor, deed, key=key, status=status, repeat=repeat)

    async def _write_once(
        self,
        request: Request,
        actor: Actor,
        deed: Callable[[Transaction], Awaitable[Body]],
        *,
        key: str,
        status: int | Callable[[Body], int],
        repeat: bool,
    ) -> Response:
        subject = f"{actor.api_key}#{'server' if actor.server else actor.user_id}"
        where = {"subject": subject, "method": request.method, "path": request.url.path, "key": key}
        body_hash = _hash(await request.body())

        async def once(tx: Transaction) -> tuple[bytes, int, bool]:
            await users.require_user(tx, actor)
            stored = None if repeat else await idempotency.find(tx, **where)
            if stored is not None:
                if stored.body_hash != body_hash:
                    raise IdempotencyKeyReused(field=KEY_HEADER)
                return stored.body, stored.status, True
            body = await deed(tx)
            answer, code = dump(body), _status(status, body)
            await idempotency.store(tx, **where, body_hash=body_hash, status=code, body=answer)
            return answer, code, False

        answer, code, replayed = await self.database.run(once)
        response = stamped_response(answer, now=self.clock.now(), status=code)
        if replayed:
            response.headers[REPLAYED_HEADER] = "true"
        return response


def _status(status: int | Callable[[Body], int], body: Body) -> int:
    return status if isinstance(status, int) else status(body)


def idempotency_key(request: Request) -> str | None:
    """Return the request's `Idempotency-Key`, None without one. Raises `InvalidInput`."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidInput("An idempotency key has 1 to 255 printable ASCII characters.", field=KEY_HEADER)
    return key


def _hash(body: bytes) -> str:
    """The same JSON in another order of keys is the same body."""
    if body:
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()

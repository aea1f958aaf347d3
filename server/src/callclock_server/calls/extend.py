"""Extend a running session (design rule 3)."""

from __future__ import annotations

from dataclasses import replace

from callclock_server.domain import clock, errors
from callclock_server.domain import events as kinds
from callclock_server.domain import settings as call_settings
from callclock_server.domain.input import text
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import Change
from callclock_server.storage import ledger
from callclock_server.storage.database import Transaction

from .access import Visit, enter
from .answers import ExtendAnswer
from .identifiers import new_id
from .update import settle_now
from .views import call_view, change_view


async def extend_call(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    seconds: int,
    idempotency_key: str | None = None,
    reason: str | None = None,
) -> ExtendAnswer:
    """Move the deadline by `seconds` (negative: towards now); needs `change-max-duration`.

    Extensions add up, however many come at once. A repeated `idempotency_key` changes nothing and returns the
    change that it made the first time; with other seconds it is refused (IdempotencyKeyReused). Raises
    NoRunningSession, NoTimeLimit, LimitOutOfRange, and CallEnded when the call is over.
    """
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require("change-max-duration")
    if idempotency_key is not None:
        text(idempotency_key, field="idempotency_key", most=255)
    if reason is not None:
        text(reason, field="reason", most=500)
    first = await _first_answer(visitor, seconds=seconds, idempotency_key=idempotency_key)
    if first is not None:
        return ExtendAnswer(
            call=call_view(visitor.state, now=tx.now()), change=change_view(first), replayed=True
        )
    change = _extend(visitor, seconds=seconds, idempotency_key=idempotency_key, reason=reason)
    await visitor.journal.flush()
    return ExtendAnswer(call=call_view(visitor.state, now=tx.now()), change=change_view(change))


async def _first_answer(visitor: Visit, *, seconds: int, idempotency_key: str | None) -> Change | None:
    if idempotency_key is None:
        return None
    change = await ledger.with_key(visitor.tx, cid=visitor.state.call.cid, idempotency_key=idempotency_key)
    if change is not None and change.seconds != seconds:
        raise errors.IdempotencyKeyReused(field="idempotency_key")
    return change


def _extend(visitor: Visit, *, seconds: int, idempotency_key: str | None, reason: str | None) -> Change:
    state, journal = visitor.state, visitor.journal
    if state.session is None:
        raise errors.CallEnded if state.call.ended_at is not None else errors.NoRunningSession
    state.session, change = clock.extend(
        state.session,
        seconds=seconds,
        ceiling_seconds=visitor.tx.rules.max_duration_ceiling_seconds,
        change_id=new_id("chg"),
        by=visitor.by_id,
        now=journal.now,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    total = {"limits": {"max_duration_seconds": state.session.max_duration_seconds}}
    override = call_settings.patch(state.call.settings_override, total)
    state.call = replace(state.call, settings_override=override, updated_at=journal.now)
    journal.changed(state, change, by=visitor.user)
    journal.event(state, kinds.CALL_UPDATED, change=change_view(change), **journal.who(visitor.user))
    settle_now(visitor)
    return change

"""Start, halt and resume the clock by hand; all need `change-max-duration` (design section 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from callclock_server.domain import clock, errors, pausing, starting
from callclock_server.domain.clock import Decision
from callclock_server.domain.events import ClockChanged
from callclock_server.domain.input import text
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import Session
from callclock_server.storage.database import Transaction

from .access import Visit, enter
from .answers import ExtendAnswer
from .policies import rules_of
from .update import settle_now
from .views import call_view, change_view

_Deed = Callable[[Session], Decision]


async def start_clock(tx: Transaction, by: Actor, *, reason: str | None = None, **call: str) -> ExtendAnswer:
    """Start a clock that waits, whatever it waits for.

    Raises NoRunningSession, ClockAlreadyStarted, CallNotLive while backstage.
    """
    return await _handle(tx, by, starting.start_by_hand, reason=reason, **call)


async def pause_clock(tx: Transaction, by: Actor, *, reason: str | None = None, **call: str) -> ExtendAnswer:
    """Halt a running clock. Raises NoRunningSession, ClockNotRunning, PauseLimitReached."""
    return await _handle(tx, by, pausing.pause_by_hand, reason=reason, **call)


async def resume_clock(tx: Transaction, by: Actor, *, reason: str | None = None, **call: str) -> ExtendAnswer:
    """Let a clock that was halted by hand go on.

    Raises NoRunningSession, ClockNotPaused, PausedForAbsence.
    """
    return await _handle(tx, by, pausing.resume_by_hand, reason=reason, **call)


async def _handle(
    tx: Transaction,
    by: Actor,
    rule: Callable[..., Decision],
    *,
    reason: str | None,
    **call: Any,
) -> ExtendAnswer:
    if reason is not None:
        text(reason, field="reason", most=500)
    visitor = await enter(tx, by, **call)
    visitor.require("change-max-duration")
    session = running(visitor)
    deed = partial(rule, by=visitor.by_id, reason=reason, now=tx.now())
    decision = deed(clock.with_fair_clock(session, rules_of(visitor.state)))
    visitor.journal.apply(visitor.state, decision, by=visitor.user)
    settle_now(visitor)
    await visitor.journal.flush()
    (change,) = [event.change for event in decision.events if isinstance(event, ClockChanged)]
    return ExtendAnswer(call=call_view(visitor.state, now=tx.now()), change=change_view(change))


def running(visitor: Visit) -> Session:
    """Return the running session. Raises CallEnded, NoRunningSession."""
    if visitor.state.session is None:
        raise errors.CallEnded if visitor.state.call.ended_at is not None else errors.NoRunningSession
    return visitor.state.session

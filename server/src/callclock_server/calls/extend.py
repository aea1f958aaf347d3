"""Extend a running session (design rule 3), at once or as an offer that needs consent (section 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from callclock_server.domain import clock, errors, extending
from callclock_server.domain import events as kinds
from callclock_server.domain import settings as call_settings
from callclock_server.domain.decision import fair_of
from callclock_server.domain.fair import Offer, Request
from callclock_server.domain.input import text
from callclock_server.domain.permissions import Actor
from callclock_server.domain.session import Change, Session
from callclock_server.storage import ledger
from callclock_server.storage.database import Transaction

from .access import Visit, enter
from .answers import ExtendAnswer
from .clock_by_hand import running
from .clock_views import offer_view, overrun_view
from .identifiers import new_id
from .times import rfc3339
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
    price_text: str | None = None,
) -> ExtendAnswer:
    """Move the deadline by `seconds` (negative: towards now); needs `change-max-duration`.

    Extensions add up, however many come at once. A repeated `idempotency_key` changes nothing and returns the
    change that it made the first time, or the offer; with other seconds it is refused (IdempotencyKeyReused).
    Under `consent_roles` more time is only offered. Raises NoRunningSession, NoTimeLimit, LimitOutOfRange,
    CallEnded when the call is over, and what `extending.check` raises.
    """
    visitor = await enter(tx, by, type=type, id=id)
    visitor.require("change-max-duration")
    for field, value, most in (
        ("idempotency_key", idempotency_key, 255),
        ("reason", reason, 500),
        ("price_text", price_text, 200),
    ):
        if value is not None:
            text(value, field=field, most=most)
    first = await _first_answer(visitor, seconds=seconds, idempotency_key=idempotency_key)
    if first is not None:
        return first
    terms = Terms(visitor, seconds, reason=reason, price_text=price_text, idempotency_key=idempotency_key)
    answer = terms.offer() if terms.needs_consent else terms.extend()
    await visitor.journal.flush()
    answer.call = call_view(visitor.state, now=tx.now())
    return answer


async def _first_answer(visitor: Visit, *, seconds: int, idempotency_key: str | None) -> ExtendAnswer | None:
    if idempotency_key is None:
        return None
    change = await ledger.with_key(visitor.tx, cid=visitor.state.call.cid, idempotency_key=idempotency_key)
    session = visitor.state.session
    pending = session.fair.offer if session is not None and session.fair is not None else None
    offer = pending if pending is not None and pending.idempotency_key == idempotency_key else None
    made = change or offer
    if made is None:
        return None
    if made.seconds != seconds:
        raise errors.IdempotencyKeyReused(field="idempotency_key")
    return ExtendAnswer(
        call=call_view(visitor.state, now=visitor.tx.now()),
        change=change_view(change) if change else None,
        offer=offer_view(offer, visitor.state.users) if offer and not change else None,
        replayed=True,
    )


def require_total(visitor: Visit, session: Session, seconds: int) -> None:
    """Raise LimitOutOfRange for seconds that lead to a total which is never accepted, or NoTimeLimit."""
    if session.max_duration_seconds is None:
        raise errors.NoTimeLimit
    total = session.max_duration_seconds + seconds
    most = visitor.tx.rules.max_duration_ceiling_seconds
    if seconds and not 1 <= total <= most:
        raise errors.LimitOutOfRange(
            f"The session's total would be {total} s; 1 to {most} are accepted.", field="seconds"
        )


class Terms:
    """More or less time for the session of a visitor's call, checked against what its policy allows.

    Raises what `running` and `extending.check` raise.
    """

    def __init__(
        self,
        visitor: Visit,
        seconds: int,
        *,
        reason: str | None = None,
        price_text: str | None = None,
        idempotency_key: str | None = None,
        by: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self._visitor = visitor
        self._seconds = seconds
        self._reason = reason
        self._price_text = price_text
        self._key = idempotency_key
        self._by = by if details is not None else visitor.by_id
        self._details = {**(details or {})}
        session = running(visitor)
        if session.max_duration_seconds is None:
            raise errors.NoTimeLimit
        self._overrun = extending.check(session, seconds=seconds, now=visitor.journal.now)
        require_total(visitor, session, seconds)

    @property
    def needs_consent(self) -> bool:
        """Whether the other side has to agree first."""
        session = self._visitor.state.session
        return session is not None and extending.needs_consent(session, seconds=self._seconds)

    def extend(self) -> ExtendAnswer:
        """Move the deadline: one row of the ledger."""
        visitor, state, journal = self._visitor, self._visitor.state, self._visitor.journal
        if self._price_text is not None:
            self._details["price_text"] = self._price_text
        if self._overrun is not None:
            self._details["runs_into_next_call"] = rfc3339(self._overrun.free_until)
        state.session, change = clock.extend(
            running(visitor),
            seconds=self._seconds,
            ceiling_seconds=visitor.tx.rules.max_duration_ceiling_seconds,
            change_id=new_id("chg"),
            by=self._by,
            now=journal.now,
            reason=self._reason,
            idempotency_key=self._key,
            details=self._details or None,
        )
        total = {"limits": {"max_duration_seconds": state.session.max_duration_seconds}}
        override = call_settings.patch(state.call.settings_override, total)
        state.call = replace(state.call, settings_override=override, updated_at=journal.now)
        self._tell(change)
        settle_now(visitor)
        return self._answer(change=change_view(change))

    def _tell(self, change: Change) -> None:
        state, journal = self._visitor.state, self._visitor.journal
        author = state.users.get(change.by) if change.by is not None else None
        journal.changed(state, change, by=author)
        journal.event(state, kinds.CALL_UPDATED, change=change_view(change), **journal.who(author))

    def offer(self, *, request: Request | None = None) -> ExtendAnswer:
        """Put the extension before those who have to agree. Raises OfferPending."""
        visitor, state, journal = self._visitor, self._visitor.state, self._visitor.journal
        session = running(visitor)
        timeout = timedelta(seconds=fair_of(session).policy.extension.consent_timeout_seconds)
        offered = Offer(
            id=new_id("off"),
            seconds=self._seconds,
            by=visitor.by_id,
            price_text=self._price_text,
            reason=self._reason,
            offered_at=journal.now,
            expires_at=journal.now + timeout,
            idempotency_key=self._key,
            request_id=request.id if request else None,
            requested_by=request.by if request else None,
        )
        state.session = extending.offer(session, offered)
        if visitor.user is not None:
            state.users[visitor.user.id] = visitor.user
        view = offer_view(offered, state.users)
        journal.event(state, kinds.EXTENSION_OFFERED, offer=view, **journal.who(visitor.user))
        return self._answer(offer=view)

    def _answer(self, **made: Any) -> ExtendAnswer:
        warnings = [overrun_view(self._overrun)] if self._overrun else []
        view = call_view(self._visitor.state, now=self._visitor.journal.now)
        return ExtendAnswer(call=view, warnings=warnings, **made)

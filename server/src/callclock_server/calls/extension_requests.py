"""Ask for more time without the right to take it, and answer that (design section 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from callclock_server.domain import clock, errors, extending
from callclock_server.domain import events as kinds
from callclock_server.domain.fair import Request
from callclock_server.domain.input import text
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import Transaction

from .access import Visit, acting_for, enter
from .answers import ExtendAnswer
from .clock_by_hand import running
from .clock_views import request_view
from .extend import Terms, require_total
from .identifiers import new_id
from .policies import rules_of
from .views import call_view


async def request_extension(
    tx: Transaction,
    by: Actor,
    *,
    seconds: int,
    reason: str | None = None,
    user_id: str | None = None,
    **call: Any,
) -> ExtendAnswer:
    """Ask for more time; whoever may extend sees it and answers. One request of a user at a time.

    What the policy forbids is refused at once, save for the cooldown, which may be over by the answer. Raises
    NotPresent, RequestPending, and what an extension raises.
    """
    visitor = await enter(tx, by, **call)
    visitor.require("join-call")
    if reason is not None:
        text(reason, field="reason", most=500)
    if seconds <= 0:
        raise errors.InvalidInput("must be above 0: requests ask for more time.", field="seconds")
    asker = await acting_for(visitor, user_id, deed="ask")
    if asker is None:
        raise errors.MissingField("A server token must name the user who asks.", field="user_id")
    session = clock.with_fair_clock(running(visitor), rules_of(visitor.state))
    require_total(visitor, session, seconds)
    extending.check(session, seconds=seconds, now=tx.now(), cooldown=False)
    assert session.fair is not None
    timeout = timedelta(seconds=session.fair.policy.extension.request_timeout_seconds)
    asked = Request(
        id=new_id("req"),
        seconds=seconds,
        by=asker,
        reason=reason,
        requested_at=tx.now(),
        expires_at=tx.now() + timeout,
    )
    visitor.state.session = extending.request(session, asked)
    view = request_view(asked, visitor.state.users)
    author = visitor.state.users.get(asker)
    visitor.journal.event(
        visitor.state, kinds.EXTENSION_REQUESTED, request=view, **visitor.journal.who(author)
    )
    await visitor.journal.flush()
    return ExtendAnswer(call=call_view(visitor.state, now=tx.now()), request=view)


async def approve_request(
    tx: Transaction,
    by: Actor,
    *,
    request_id: str,
    reason: str | None = None,
    price_text: str | None = None,
    **call: Any,
) -> ExtendAnswer:
    """Grant a request: the deadline moves by one row of the ledger, under the rules of every extension.

    Where consent is needed and who asked cannot give it, the answer is an offer to those who can. Needs
    `change-max-duration`. Raises RequestNotFound, and what an extension raises.
    """
    visitor = await enter(tx, by, **call)
    visitor.require("change-max-duration")
    for field, value, most in (("reason", reason, 500), ("price_text", price_text, 200)):
        if value is not None:
            text(value, field=field, most=most)
    asked = extending.find_request(visitor.state.session, request_id)
    # Who grants it to themselves has not asked the other side.
    consented = asked.by != visitor.by_id and extending.consents_by_asking(running(visitor), asked)
    details: dict[str, Any] = {"request_id": asked.id, "requested_by": asked.by}
    terms = Terms(
        visitor,
        asked.seconds,
        reason=reason or asked.reason,
        price_text=price_text,
        by=visitor.by_id,
        details=details | ({"consent_by": asked.by} if consented else {}),
    )
    offered = terms.needs_consent and (not consented or price_text is not None)
    _close(visitor, asked, answer="approved")
    answer = terms.offer(request=asked) if offered else terms.extend()
    await visitor.journal.flush()
    return replace(
        answer, call=call_view(visitor.state, now=tx.now()), request=request_view(asked, visitor.state.users)
    )


async def decline_request(
    tx: Transaction, by: Actor, *, request_id: str, reason: str | None = None, **call: Any
) -> ExtendAnswer:
    """Turn a request down; who asked withdraws it. Raises RequestNotFound, MissingCapability."""
    visitor = await enter(tx, by, **call)
    if reason is not None:
        text(reason, field="reason", most=500)
    asked = extending.find_request(visitor.state.session, request_id)
    own = visitor.by_id == asked.by
    if not own:
        visitor.require("change-max-duration")
    _close(visitor, asked, answer="withdrawn" if own else "declined")
    await visitor.journal.flush()
    view = request_view(asked, visitor.state.users)
    return ExtendAnswer(call=call_view(visitor.state, now=tx.now()), request=view)


def _close(visitor: Visit, asked: Request, *, answer: Any) -> None:
    if visitor.user is not None:
        visitor.state.users[visitor.user.id] = visitor.user
    closed = extending.close_request(
        running(visitor), asked, answer=answer, by=visitor.by_id, now=visitor.tx.now()
    )
    visitor.journal.apply(visitor.state, closed)

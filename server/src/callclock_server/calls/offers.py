"""The answer of the other side to an offer of more time (design section 6)."""

from __future__ import annotations

from typing import Any

from callclock_server.domain import errors, extending
from callclock_server.domain.fair import Offer
from callclock_server.domain.permissions import Actor
from callclock_server.storage.database import Transaction

from .access import Visit, acting_for, enter
from .answers import ExtendAnswer
from .clock_by_hand import running
from .clock_views import offer_view
from .extend import Terms
from .views import call_view


async def accept_offer(
    tx: Transaction, by: Actor, *, offer_id: str, user_id: str | None = None, **call: Any
) -> ExtendAnswer:
    """Agree to an offer: the deadline moves, under the rules as they are now.

    Only somebody who is present with a role in `consent_roles`, and has not made the offer, may agree; a
    server token names the user who does. Raises OfferNotFound, ConsentNotYours, and what an extension raises.
    """
    visitor = await enter(tx, by, **call)
    offer = extending.find_offer(visitor.state.session, offer_id)
    consenter = await acting_for(visitor, user_id, deed="answer")
    if consenter is None:
        raise errors.MissingField("A server token must name the user who agrees.", field="user_id")
    if not extending.may_consent(running(visitor), user_id=consenter, to=offer):
        raise errors.ConsentNotYours
    details: dict[str, Any] = {"offer_id": offer.id, "consent_by": consenter}
    if offer.request_id is not None:
        details |= {"request_id": offer.request_id, "requested_by": offer.requested_by}
    terms = Terms(
        visitor,
        offer.seconds,
        reason=offer.reason,
        price_text=offer.price_text,
        idempotency_key=offer.idempotency_key,
        by=offer.by,
        details=details,
    )
    visitor.journal.apply(
        visitor.state,
        extending.close_offer(running(visitor), answer="accepted", by=consenter, now=tx.now()),
    )
    answer = terms.extend()
    await visitor.journal.flush()
    answer.offer = offer_view(offer, visitor.state.users)
    answer.call = call_view(visitor.state, now=tx.now())
    return answer


async def decline_offer(
    tx: Transaction, by: Actor, *, offer_id: str, user_id: str | None = None, **call: Any
) -> ExtendAnswer:
    """Turn an offer down; whoever may extend withdraws it. Raises OfferNotFound, ConsentNotYours."""
    visitor = await enter(tx, by, **call)
    offer = extending.find_offer(visitor.state.session, offer_id)
    who = await acting_for(visitor, user_id, deed="answer")
    if extending.may_consent(running(visitor), user_id=who, to=offer):
        return await _close(visitor, offer, answer="declined", by=who)
    if "change-max-duration" not in visitor.capabilities:
        raise errors.ConsentNotYours
    return await _close(visitor, offer, answer="withdrawn", by=who)


async def _close(visitor: Visit, offer: Offer, *, answer: Any, by: str | None) -> ExtendAnswer:
    closed = extending.close_offer(running(visitor), answer=answer, by=by, now=visitor.tx.now())
    visitor.journal.apply(visitor.state, closed)
    await visitor.journal.flush()
    return ExtendAnswer(
        call=call_view(visitor.state, now=visitor.tx.now()), offer=offer_view(offer, visitor.state.users)
    )

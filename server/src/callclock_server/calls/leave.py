"""Leave a call."""

from __future__ import annotations

from callclock_server.domain import errors
from callclock_server.domain.permissions import Actor
from callclock_server.domain.presence import leave
from callclock_server.domain.session import Participant
from callclock_server.storage.database import Transaction

from .access import Visit, enter
from .answers import CallAnswer


async def leave_call(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    participant_id: str | None = None,
    device_id: str | None = None,
    user_id: str | None = None,
) -> CallAnswer:
    """Let one participant go, one device, or all of the user's; nobody there is no error.

    The running timed session goes on (design rule 5). A server token names the user; with a user token
    `user_id` must be the user's own.
    """
    visitor = await enter(tx, by, type=type, id=id)
    who = user_id or visitor.by_id
    if visitor.user is not None and who != visitor.user.id:
        raise errors.ServerTokenRequired("Only a server token may let another user leave.")
    if who is None and participant_id is None:
        raise errors.MissingField("A server token must name who leaves.", field="user_id")
    leaving = _leaving(visitor, who=who, participant_id=participant_id, device_id=device_id)
    if leaving and visitor.state.session is not None:
        visitor.journal.apply(visitor.state, leave(visitor.state.session, leaving, now=tx.now()))
        await visitor.journal.flush()
    return await visitor.answer()


def _leaving(
    visitor: Visit, *, who: str | None, participant_id: str | None, device_id: str | None
) -> tuple[Participant, ...]:
    session = visitor.state.session
    return tuple(
        p
        for p in (session.participants if session else ())
        if who in (None, p.user_id) and participant_id in (None, p.id) and device_id in (None, p.device_id)
    )

"""The way in: find a call for somebody, settle what is due, know what they may do (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callclock_server.domain import capabilities as caps
from callclock_server.domain import errors
from callclock_server.domain.call import CallType, Member, User
from callclock_server.domain.clock import settle
from callclock_server.domain.errors import CallclockError
from callclock_server.domain.identifiers import check_user_id, cid_of
from callclock_server.domain.permissions import Actor, require
from callclock_server.storage import members, users
from callclock_server.storage.database import Transaction

from .answers import CallAnswer, View
from .journal import Journal
from .opening import open_if_due
from .state import CallState, load, load_many
from .views import call_view, member_view


@dataclass(slots=True)
class Visit:
    """Somebody at a call: its state, what they may do there, and the journal of what happens."""

    tx: Transaction
    state: CallState
    journal: Journal
    user: User | None
    member: Member | None
    capabilities: frozenset[str]

    def require(self, *capabilities: str) -> None:
        """Refuse whoever lacks one of these."""
        for capability in capabilities:
            require(self.capabilities, capability)

    @property
    def by_id(self) -> str | None:
        """The user's id; None for a server token."""
        return self.user.id if self.user else None

    async def answer(self, *, created: bool = False) -> CallAnswer:
        """Return the call as this visitor may see it."""
        listed = await member_views(self.tx, [self.state.call.cid])
        return self.answered(listed[self.state.call.cid], created=created)

    def answered(self, listed: list[View], *, created: bool = False) -> CallAnswer:
        """Return the call as this visitor may see it, with members that are loaded already."""
        return CallAnswer(
            call=call_view(self.state, now=self.tx.now()),
            members=listed,
            own_capabilities=caps.in_order(self.capabilities),
            created=created,
        )


async def member_views(tx: Transaction, cids: Sequence[str]) -> dict[str, list[View]]:
    """Return the members of calls, each with the user."""
    of_calls = await members.of_calls(tx, cids)
    known = await users.get_many(tx, {m.user_id for listed in of_calls.values() for m in listed})
    return {cid: [member_view(m, known[m.user_id]) for m in listed] for cid, listed in of_calls.items()}


async def acting_user(tx: Transaction, by: Actor) -> User | None:
    """Return the user who acts, None for a server token; raises UnknownUser."""
    if by.server:
        return None
    user = await users.get(tx, by.user_id) if by.user_id is not None else None
    if user is None:
        raise errors.UnknownUser
    return user


async def acting_for(visitor: Visit, user_id: str | None, *, deed: str) -> str | None:
    """Return who acts: the token's user, or whom a server token names; None where it names nobody.

    `deed` says what is done for another. Raises ServerTokenRequired, UnknownUserReference.
    """
    user = visitor.user
    if user is not None:
        if user_id not in (None, user.id):
            raise errors.ServerTokenRequired(f"Only a server token may {deed} for another user.")
    elif user_id is None:
        return None
    else:
        user = await users.get(visitor.tx, check_user_id(user_id, field="user_id"))
        if user is None:
            raise errors.UnknownUserReference(f"There is no user {user_id}.", field="user_id")
    visitor.state.users[user.id] = user
    return user.id


def capabilities_in(call_type: CallType, user: User | None, member: Member | None) -> frozenset[str]:
    """Return what somebody may do in a call of this type; a server token (no user) everything."""
    if user is None:
        return caps.ALL
    return call_type.capabilities_of(user.role, member.role if member else None)


async def visit(tx: Transaction, by: Actor, *, type: str, id: str) -> Visit:  # noqa: A002
    """Find a call for `by` without settling it.

    Raises TokenNotForCall, UnknownUser, or CallNotFound: also where the type lets only members in and `by` is
    none of them, so that nobody learns which calls exist.
    """
    cid = cid_of(type, id)
    by.require_call(cid)
    user = await acting_user(tx, by)
    state = await load(tx, cid)
    member = await members.get(tx, cid=cid, user_id=user.id) if user and state else None
    return _visit(tx, state, user, member)


def _visit(tx: Transaction, state: CallState | None, user: User | None, member: Member | None) -> Visit:
    if state is None:
        raise errors.CallNotFound
    if user is not None and member is None and state.call_type.members_only:
        raise errors.CallNotFound
    capabilities = capabilities_in(state.call_type, user, member)
    return Visit(tx, state, Journal(tx), user, member, capabilities)


async def look_many(
    tx: Transaction, by: Actor, cids: Sequence[str]
) -> dict[str, CallAnswer | CallclockError]:
    """Return for each call what `look` and `answer` would, or the error that they would raise.

    A client that comes back watches hundreds of calls: this reads them with a few statements. Raises
    UnknownUser.
    """
    user = await acting_user(tx, by)
    states = await load_many(tx, cids)
    listed = await member_views(tx, list(states))
    theirs = await members.of_user(tx, user_id=user.id, cids=list(states)) if user else {}
    found: dict[str, CallAnswer | CallclockError] = {}
    for cid in cids:
        try:
            by.require_call(cid)
            visitor = _visit(tx, states.get(cid), user, theirs.get(cid))
            visitor.require("read-call")
        except CallclockError as error:
            found[cid] = error
        else:
            found[cid] = visitor.answered(listed[cid])
    return found


async def look(tx: Transaction, by: Actor, *, type: str, id: str) -> Visit:  # noqa: A002
    """Find a call for somebody who reads it; raises MissingCapability without `read-call`."""
    visitor = await visit(tx, by, type=type, id=id)
    visitor.require("read-call")
    return visitor


async def enter(tx: Transaction, by: Actor, *, type: str, id: str) -> Visit:  # noqa: A002
    """Find a call for somebody who changes it, after everything that is due in it has been settled."""
    visitor = await visit(tx, by, type=type, id=id)
    await settle_first(visitor)
    return visitor


async def settle_first(visitor: Visit) -> None:
    """Apply what is due in the running session; it outlives a refusal of the request (design rule 4)."""
    if await settle_state(visitor.journal, visitor.state):
        await visitor.tx.keep_so_far()


async def settle_state(journal: Journal, state: CallState) -> bool:
    """Apply what is due in a call's running session, or open a call whose start has come by itself.

    Returns whether that was anything.
    """
    if state.session is None:
        if state.call.starts_at is None or not await open_if_due(journal, state):
            return False
        await journal.flush()
        return True
    decision = settle(state.session, now=journal.now)
    if decision.session == state.session:
        return False
    journal.apply(state, decision)
    await journal.flush()
    return True

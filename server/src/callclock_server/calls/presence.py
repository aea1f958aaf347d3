"""Who is really there: told by the media server and by event streams, not by requests.

Each of these may come late, twice, or not at all; each leaves what is right already as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from callclock_server.domain import clock, presence, starting
from callclock_server.domain.session import Participant, Session
from callclock_server.storage import members, nodes, outbox, participants, sessions, users
from callclock_server.storage.database import Transaction

from .access import capabilities_in, settle_state
from .identifiers import new_id
from .journal import Journal
from .state import CallState, load, load_many

NODE_ID_LENGTH = 12
ORPHANS_PER_TRANSACTION = 200

_Lost = Callable[[Participant], bool]


async def media_joined(
    tx: Transaction, *, room: str, identity: str, sid: str | None = None, cluster: str | None = None
) -> bool:
    """Note that a participant has reached the media room; return whether that is in order.

    A room of a session that has ended is deleted again on `cluster`, where it was seen, and somebody who has
    no business in the room is removed (design rule 4). A device that drops out and comes back by itself
    begins a new stay; word of a connection that has closed already (`sid`) does not.
    """
    journal = Journal(tx)
    state = await _state_of_room(tx, journal, room)
    if state is None or state.session is None:
        await outbox.add(tx, kind=outbox.ROOM_DELETE, payload={"room": room, "cluster": cluster})
        return False
    participant = _find(state, identity)
    if participant is None:
        last = await _last_stay(tx, state.session, identity)
        if last is not None and sid is not None and last.media_sid == sid:
            return False
        participant = await _returning(tx, state, last)
    if participant is None or participant.waiting_since is not None:
        await _remove(tx, state.session, identity)
        return False
    session, events = presence.arrive(state.session, participant, now=tx.now(), sid=sid)
    journal.apply(state, clock.Decision(session, events))
    await journal.flush()
    return True


async def media_left(tx: Transaction, *, room: str, identity: str, sid: str | None = None) -> bool:
    """Note that a participant has left the media room; return whether that closed a stay.

    A departure with a `sid` other than the present one is that of a connection which was replaced meanwhile.
    """
    journal = Journal(tx)
    state = await _state_of_room(tx, journal, room)
    participant = _find(state, identity) if state else None
    if state is None or state.session is None or participant is None or participant.joined_at is None:
        return False
    if sid is not None and participant.media_sid not in (None, sid):
        return False
    journal.apply(state, presence.leave(state.session, (participant,), now=tx.now()), still_in_media=False)
    await journal.flush()
    return True


async def reconcile(
    tx: Transaction, *, room: str, identities: Collection[str], cluster: str | None = None
) -> None:
    """Bring presence in line with the media server's own list of a room: no ghosts, nobody lost."""
    journal = Journal(tx)
    state = await _state_of_room(tx, journal, room)
    if state is not None and state.session is not None:
        gone = tuple(p for p in state.session.participants if p.present and p.identity not in identities)
        journal.apply(state, presence.leave(state.session, gone, now=tx.now()), still_in_media=False)
        await journal.flush()
    for identity in sorted(identities):
        await media_joined(tx, room=room, identity=identity, cluster=cluster)


async def carries_presence(tx: Transaction, *, connection_id: str) -> bool:
    """Return whether anybody's presence hangs on this event stream: most streams only watch."""
    return bool(await sessions.cids_with_connection(tx, connection_id))


def node_of(connection_id: str | None) -> str | None:
    """Return the node that gave an event stream its id: the first `NODE_ID_LENGTH` characters."""
    return connection_id[:NODE_ID_LENGTH] if connection_id else None


async def connection_lost(tx: Transaction, *, connection_id: str, node_id: str) -> None:
    """Start the grace of those whose presence hangs on an event stream that this node has lost.

    Only engine `none` knows such presence. A stream that has moved to another node meanwhile is not lost.
    """
    cids = await sessions.cids_with_connection(tx, connection_id)
    here = (None, node_id)  # None: of a version that did not note the node
    await _change_connections(tx, cids, lost=lambda p: p.connection_id == connection_id and p.node_id in here)


async def orphans_lost(tx: Transaction) -> int:
    """Start the grace of those whose event stream was on a node that is gone; return in how many calls.

    Not all at once: as many as fit into one transaction.
    """
    cids = await sessions.cids_without_node(tx, limit=ORPHANS_PER_TRANSACTION)
    living = await nodes.living(tx)
    await _change_connections(tx, cids, lost=lambda p: p.node_id is not None and p.node_id not in living)
    return len(cids)


async def connection_resumed(tx: Transaction, *, connection_id: str, node_id: str) -> None:
    """Forgive a lost event stream that came back within its grace, to this node."""
    journal = Journal(tx)
    for state in (await load_many(tx, await sessions.cids_with_connection(tx, connection_id))).values():
        await settle_state(journal, state)
        if state.session is not None:
            state.session = presence.resume(state.session, connection_id, node_id=node_id)
            journal.track(state)
    await journal.flush()


async def lost_connections(tx: Transaction) -> set[str]:
    """Return the event streams that are counted as lost and whose grace is not over."""
    return set(await participants.lost_connections(tx))


async def connections_on(tx: Transaction, *, node_id: str) -> set[str]:
    """Return the event streams on which presence hangs and that should be on this node."""
    return set(await participants.connections_on(tx, node_id))


async def connections_of_former_process_lost(tx: Transaction) -> None:
    """Count all event streams as lost now: for the start of the process that served them before."""
    await _change_connections(tx, await sessions.cids_with_connection(tx, None), lost=lambda p: True)


async def _change_connections(tx: Transaction, cids: Iterable[str], *, lost: _Lost) -> None:
    journal = Journal(tx)
    for state in (await load_many(tx, list(cids))).values():
        await settle_state(journal, state)
        if state.session is None:
            continue
        for connection_id in {p.connection_id for p in state.session.participants if lost(p)}:
            if connection_id is not None:
                grace = tx.rules.connection_grace_seconds
                state.session = presence.lose(state.session, connection_id, grace_seconds=grace, now=tx.now())
        journal.track(state)
    await journal.flush()


async def _state_of_room(tx: Transaction, journal: Journal, room: str) -> CallState | None:
    """Return the settled state of the call whose session the room belongs to, if that session runs."""
    session = await sessions.get(tx, room)
    if session is None or not session.running:
        return None
    state = await load(tx, session.cid)
    if state is None or state.session is None or state.session.id != room:
        return None  # it ended before we had the lock
    await settle_state(journal, state)
    return state


def _find(state: CallState, identity: str) -> Participant | None:
    people = state.session.participants if state.session else ()
    return next((p for p in people if p.identity == identity), None)


async def _remove(tx: Transaction, session: Session, identity: str) -> None:
    payload = {"room": session.id, "cluster": session.media_cluster, "identity": identity}
    await outbox.add(tx, kind=outbox.PARTICIPANT_REMOVE, payload=payload)


async def _last_stay(tx: Transaction, session: Session, identity: str) -> Participant | None:
    user_id, _, device_id = identity.partition(":")
    return await participants.last_stay(tx, session_id=session.id, user_id=user_id, device_id=device_id)


async def _returning(tx: Transaction, state: CallState, last: Participant | None) -> Participant | None:
    """Return a new stay for a device that was in this session before and may still join."""
    if last is None:
        return None
    user_id = last.user_id
    user = state.users.get(user_id) or await users.get(tx, user_id)
    if user is None:
        return None
    member = await members.get(tx, cid=state.call.cid, user_id=user_id)
    capabilities = capabilities_in(state.call_type, user, member)
    if "join-call" not in capabilities or (state.call_type.members_only and member is None):
        return None
    if state.session is not None and starting.must_wait(
        state.session, user_id=user_id, may_enter_backstage="join-backstage" in capabilities
    ):
        return None  # a media token outlives the stay that it was made for
    state.users[user_id] = user
    return replace(last, id=new_id("par"), accepted_at=tx.now(), joined_at=None, left_at=None, media_sid=None)

"""Read calls, sessions, ledgers and records. All need `read-call` and a read transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from callclock_server.domain import errors
from callclock_server.domain.identifiers import cid_of
from callclock_server.domain.permissions import Actor
from callclock_server.domain.record import make_record
from callclock_server.domain.session import Session
from callclock_server.storage import ledger, participants, sessions, users
from callclock_server.storage.database import Transaction

from .access import look, look_many
from .answers import CallAnswer, Page, View
from .cursor import decode_cursor, encode_cursor, page_size
from .query import query_calls
from .times import rfc3339
from .views import change_view, record_view, session_view

__all__ = ["get_call", "get_calls", "get_ledger", "get_record", "get_session", "list_sessions", "query_calls"]


async def get_call(tx: Transaction, by: Actor, *, type: str, id: str) -> CallAnswer:  # noqa: A002
    """Return a call with its members and what the reader may do."""
    return await (await look(tx, by, type=type, id=id)).answer()


async def get_calls(
    tx: Transaction, by: Actor, *, cids: Sequence[str]
) -> dict[str, CallAnswer | errors.CallclockError]:
    """Return each of these calls as `get_call` would, or the error it would raise. Raises UnknownUser."""
    return await look_many(tx, by, cids)


async def list_sessions(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    limit: int = 25,
    next: str | None = None,  # noqa: A002
) -> Page:
    """Return a page of the call's sessions, the newest first."""
    cid = await _cid(tx, by, type=type, id=id)
    before = None
    if next is not None:
        started_at, session_id = decode_cursor(next, "sessions", str, str)
        before = (_moment(started_at), session_id)
    wanted = page_size(limit) + 1
    found = await sessions.page(tx, cid=cid, limit=wanted, before=before, outlived=by.server)
    last = found[limit - 1] if len(found) > limit else None
    more = encode_cursor("sessions", rfc3339(last.started_at), last.id) if last else None
    return Page(items=[await _view(tx, session) for session in found[:limit]], next=more)


async def get_session(tx: Transaction, by: Actor, *, type: str, id: str, session_id: str) -> View:  # noqa: A002
    """Return one session of the call."""
    session = await find_session(tx, by, type=type, id=id, session_id=session_id)
    return await _view(tx, session)


async def get_ledger(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    session_id: str,
) -> list[View]:
    """Return the changes of a session's deadline, the oldest first (design rule 3)."""
    session = await find_session(tx, by, type=type, id=id, session_id=session_id)
    return [change_view(change) for change in await ledger.of_session(tx, session.id)]


async def get_record(tx: Transaction, by: Actor, *, type: str, id: str, session_id: str) -> View:  # noqa: A002
    """Return a session's record: times, presence, ledger."""
    session = await find_session(tx, by, type=type, id=id, session_id=session_id)
    changes = await ledger.of_session(tx, session.id)
    record = make_record(session, await participants.stays_of(tx, session.id), changes, now=tx.now())
    return record_view(session, record, changes)


async def _cid(tx: Transaction, by: Actor, *, type: str, id: str) -> str:  # noqa: A002
    """Return the cid of a call whose sessions `by` may read; a server token reads a deleted call's too."""
    cid = cid_of(type, id)
    if not by.server or not await sessions.have_outlived(tx, cid):
        await look(tx, by, type=type, id=id)
    return cid


async def find_session(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    session_id: str,
) -> Session:
    """Return a session of the call to whoever may read it. Raises SessionNotFound."""
    cid = await _cid(tx, by, type=type, id=id)
    session = await sessions.find(tx, session_id, cid=cid, outlived=by.server)
    if session is None:
        raise errors.SessionNotFound
    return session


async def _view(tx: Transaction, session: Session) -> View:
    known = await users.get_many(tx, {p.user_id for p in session.participants})
    return session_view(session, known, now=tx.now())


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as exc:
        raise errors.InvalidCursor(field="next") from exc
    if moment.tzinfo is None:
        raise errors.InvalidCursor(field="next")
    return moment

"""Recompute a session's record from its ledger and the event log, and compare (design section 6).

Nothing of the recomputation comes from the rows of the session and its participants, save which policy and
which limits it ended under: who was there is what the events told, and what the clock did is what the ledger
says. Both take no change and give no row back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from callclock_server.domain import events as kinds
from callclock_server.domain.ledger import account
from callclock_server.domain.permissions import Actor
from callclock_server.domain.record import make_record
from callclock_server.domain.session import Change, Participant, Session
from callclock_server.storage import events, ledger, participants
from callclock_server.storage.database import Transaction

from .answers import View
from .read import find_session
from .times import maybe_rfc3339
from .views import change_view, record_view

_PAGE = 1000
_TOLD = (kinds.PARTICIPANT_JOINED, kinds.PARTICIPANT_LEFT)


async def verify_record(
    tx: Transaction,
    by: Actor,
    *,
    type: str,  # noqa: A002
    id: str,  # noqa: A002
    session_id: str,
) -> list[View]:
    """Return where the record and its recomputation differ: `{field, record, recomputed}`; none is right."""
    session = await find_session(tx, by, type=type, id=id, session_id=session_id)
    changes = await ledger.of_session(tx, session.id)
    log = [event async for event in _events(tx, session)]
    stays = await participants.stays_of(tx, session.id)
    stored = record_view(session, make_record(session, stays, changes, now=tx.now()), changes)
    retold = _retold(session, changes, log)
    recomputed = record_view(
        retold, make_record(retold, _stays(log, retold.ended_at), changes, now=tx.now()), changes
    )
    found = list(_differences("", stored, recomputed))
    found += _deadline(session, changes)
    return found + _rows(changes, log)


async def _events(tx: Transaction, session: Session) -> Any:
    after = 0
    while page := await events.of_call(tx, cid=session.cid, after_id=after, limit=_PAGE):
        for row in page:
            event = orjson.loads(row.payload)
            if event.get("session_id") == session.id:
                yield event
        after = page[-1].id


def _retold(session: Session, changes: Sequence[Change], log: Sequence[Mapping[str, Any]]) -> Session:
    """Return the session as ledger and log tell it."""
    ended = next((event for event in log if event["type"] == kinds.SESSION_ENDED), None)
    told = replace(
        session,
        started_at=changes[0].at,
        ended_at=datetime.fromisoformat(ended["ended_at"]) if ended else None,
        ended_reason=ended["reason"] if ended else None,
    )
    if session.fair is None:
        return told
    sums = account(changes, max_wall_seconds=session.fair.policy.max_wall_seconds)
    fair = replace(
        session.fair,
        started_running_at=sums.started_running_at,
        paused=sums.paused,
        overtime_since=sums.overtime_since,
    )
    return replace(told, fair=fair)


def _stays(log: Sequence[Mapping[str, Any]], ended_at: datetime | None) -> list[Participant]:
    """Return who was there, as the events tell it; the end closes the stays that it found open."""
    found: dict[str, Participant] = {}
    for event in log:
        present = ((event.get("call") or {}).get("session") or {}).get("participants") or []
        for one in present:
            if one["id"] in found:
                found[one["id"]] = replace(found[one["id"]], role=one["role"])
        if event["type"] not in _TOLD:
            continue
        view = event["participant"]
        joined_at = datetime.fromisoformat(view["joined_at"])
        found[view["id"]] = Participant(
            id=view["id"],
            session_id=event["session_id"],
            user_id=view["user_id"],
            role=view["role"],
            device_id=view["device_id"],
            accepted_at=joined_at,
            joined_at=joined_at,
            left_at=datetime.fromisoformat(view["left_at"]) if view["left_at"] else None,
        )
    if ended_at is None:
        return list(found.values())
    return [
        stay if stay.left_at is not None else replace(stay, left_at=max(ended_at, stay.accepted_at))
        for stay in found.values()
    ]


def _deadline(session: Session, changes: Sequence[Change]) -> list[View]:
    fair = session.fair
    if fair is not None and fair.pause is not None:
        return []  # it moves while the clock stands still
    sums = account(changes, max_wall_seconds=fair.policy.max_wall_seconds if fair else None)
    if sums.timer_ends_at == session.timer_ends_at:
        return []
    return [
        _difference("timer_ends_at", maybe_rfc3339(session.timer_ends_at), maybe_rfc3339(sums.timer_ends_at))
    ]


def _rows(changes: Sequence[Change], log: Sequence[Mapping[str, Any]]) -> list[View]:
    """Compare the rows of the ledger with those that the events told: all but the first were told."""
    told = {event["change"]["id"]: event["change"] for event in log if event["type"] == kinds.CLOCK_CHANGED}
    written = {change.id: change_view(change) for change in changes[1:]}
    return [
        _difference(f"ledger.{key}", written.get(key), told.get(key))
        for key in sorted({*told, *written})
        if written.get(key) != told.get(key)
    ]


def _differences(path: str, stored: Any, recomputed: Any) -> Iterator[View]:
    if isinstance(stored, dict) and isinstance(recomputed, dict):
        for key in stored:
            if key != "ledger":
                yield from _differences(f"{path}.{key}".lstrip("."), stored[key], recomputed.get(key))
    elif isinstance(stored, list) and isinstance(recomputed, list) and len(stored) == len(recomputed):
        for place, (left, right) in enumerate(zip(stored, recomputed, strict=True)):
            yield from _differences(f"{path}.{place}", left, right)
    elif stored != recomputed and not _close(stored, recomputed):
        yield _difference(path, stored, recomputed)


def _close(stored: Any, recomputed: Any) -> bool:
    """Sums of floats may differ in the last digit; a microsecond may not."""
    numbers = isinstance(stored, int | float) and isinstance(recomputed, int | float)
    return numbers and abs(stored - recomputed) < 5e-7


def _difference(field: str, stored: Any, recomputed: Any) -> View:
    return {"field": field, "record": stored, "recomputed": recomputed}

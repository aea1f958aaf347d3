"""What happens in a use case is written down here and flushed once: rows, events, outbox.

Events of one flush carry the state that the use case led to, and ids that count on from the call's last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from callclock_server.bus import user_channel
from callclock_server.domain import events as kinds
from callclock_server.domain.call import Call, User
from callclock_server.domain.clock import Decision
from callclock_server.domain.events import (
    Admitted,
    Answered,
    BackstageChanged,
    ClockChanged,
    Ended,
    Joined,
    Left,
    NoShow,
    SessionEvent,
    WaitingChanged,
    Warned,
)
from callclock_server.domain.record import make_record
from callclock_server.domain.session import Change, Participant, Session
from callclock_server.storage import calls, events, ledger, outbox, participants, sessions
from callclock_server.storage.bulk import run_together
from callclock_server.storage.database import Transaction

from .answers import View
from .clock_views import offer_view, request_view
from .mirror import room_metadata
from .state import CallState
from .times import rfc3339
from .views import call_view, change_view, participant_view, record_view, user_view


@dataclass(slots=True)
class _Entry:
    state: CallState
    kind: str
    session_id: str | None
    fields: View


@dataclass(slots=True)
class Writes:
    """Everything that a journal comes to, in the shape of the tables."""

    started: list[Session] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    participants: list[Participant] = field(default_factory=list)
    arrived: list[Participant] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    events: list[events.NewEvent] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)

    async def store(self, tx: Transaction) -> None:
        """Write all of it."""
        # Closed before added: a device that leaves and comes back in one transaction holds one open slot at a
        # time.
        parts = (
            sessions.insertion(tx, self.started),
            sessions.change(tx, self.sessions),
            participants.change(self.participants),
            participants.insertion(self.arrived),
            ledger.insertion(self.changes),
            calls.change(self.calls),
        )
        await run_together(tx, parts)
        await events.append(tx, self.events)
        await outbox.add_all(tx, self.effects)


class Journal:
    """The journal of one transaction. Nothing is written before `flush`.

    With `now`, the journal of what will happen then: it is composed and not flushed.
    """

    def __init__(self, tx: Transaction, *, now: datetime | None = None) -> None:
        self.tx = tx
        self._then = now
        self._entries: list[_Entry] = []
        self._changes: list[tuple[str, Change]] = []
        self._effects: list[dict[str, Any]] = []
        self._notices: list[tuple[str, str, View]] = []
        self._states: dict[str, CallState] = {}

    @property
    def now(self) -> datetime:
        """The time of the transaction."""
        return self._then or self.tx.now()

    def track(self, state: CallState) -> CallState:
        """Write what changes of this state at the next flush."""
        self._states[state.call.cid] = state
        return state

    def event(self, state: CallState, kind: str, **fields: Any) -> None:
        """Note an event of a call; `fields` are put beside the fields that all events have."""
        self.track(state)
        session_id = state.session.id if state.session else None
        self._entries.append(_Entry(state, kind, session_id, fields))

    def effect(self, kind: str, **payload: Any) -> None:
        """Promise something outside of the database."""
        self._effects.append(outbox.row_of(kind, payload, now=self.now))

    def joined(self, state: CallState, user: User) -> None:
        """Tell the user's event streams of a join: they watch the call from the events of this flush on."""
        self._notices.append((user_channel(user.id), state.call.cid, {"user_id": user.id}))
        self.track(state)

    def room_effect(self, kind: str, session: Session, **payload: Any) -> None:
        """Promise something in a session's media room, on the cluster that has it."""
        self.effect(kind, room=session.id, cluster=session.media_cluster, **payload)

    def apply(
        self, state: CallState, decision: Decision, *, by: User | None = None, still_in_media: bool = True
    ) -> None:
        """Take over what the session's rules decided, with its events and what it means for the media room.

        `by` is who ended the session, if somebody did.
        """
        assert state.session is not None
        session = state.session
        state.closed.extend(decision.closed)
        state.session = decision.session
        self.track(state)
        for event in decision.events:
            self._session_event(state, event, by=by)
        if session.engine != "livekit":
            return
        if not decision.session.running:
            self.room_effect(outbox.ROOM_DELETE, session)
        elif still_in_media:
            for participant in decision.closed:
                if participant.waiting_since is not None:
                    continue  # never in the room
                self.room_effect(outbox.PARTICIPANT_REMOVE, session, identity=participant.identity)

    def changed(self, state: CallState, change: Change, *, by: User | None) -> None:
        """Note a change of the deadline: a row of the ledger, and the events that tell of it."""
        assert state.session is not None
        self._changes.append((state.call.cid, change))
        fields: View = {"change": change_view(change), "timer_ends_at": None, **self.who(by)}
        if change.new_ends_at is not None:
            fields["timer_ends_at"] = rfc3339(change.new_ends_at)
        self.event(state, kinds.CLOCK_CHANGED, **fields)

    def started(self, state: CallState, change: Change) -> None:
        """Note the first row of a session's ledger."""
        self._changes.append((state.call.cid, change))

    @staticmethod
    def who(user: User | None) -> View:
        """Return the `user` field of an event; nothing when a server token acted."""
        return {"user": user_view(user)} if user else {}

    def _session_event(self, state: CallState, event: SessionEvent, *, by: User | None) -> None:
        match event:
            case Joined(participant):
                self.event(state, kinds.PARTICIPANT_JOINED, **self._participant(state, participant))
            case Left(participant):
                self.event(state, kinds.PARTICIPANT_LEFT, **self._participant(state, participant))
            case Warned(threshold, seconds_left, timer_ends_at):
                self.event(
                    state,
                    kinds.TIMER_WARNING,
                    threshold_seconds=threshold,
                    seconds_left=seconds_left,
                    timer_ends_at=rfc3339(timer_ends_at),
                )
            case ClockChanged(change):
                self.changed(state, change, by=state.users.get(change.by) if change.by else None)
            case Answered():
                self._answered(state, event)
            case NoShow(at, roles, action):
                self.event(state, kinds.NO_SHOW, roles=list(roles), action=action, at=rfc3339(at))
            case WaitingChanged():
                self.event(state, kinds.WAITING_CHANGED)
            case Admitted(participant, by_id):
                admitted = {"participant": participant_view(participant, state.users)}
                self.event(state, kinds.ADMITTED, **admitted, **self.who(state.users.get(by_id or "")))
            case BackstageChanged(live, by_id):
                self.event(
                    state, kinds.BACKSTAGE_CHANGED, live=live, **self.who(state.users.get(by_id or ""))
                )
            case Ended(at, reason, ends_call):
                how = {"reason": reason, "ended_at": rfc3339(at), **self.who(by)}
                if ends_call:
                    state.call = replace(state.call, ended_at=at, ended_reason=reason, updated_at=self.now)
                    self.event(state, kinds.CALL_ENDED, **how)
                self.event(state, kinds.SESSION_ENDED, **how)

    def _answered(self, state: CallState, event: Answered) -> None:
        self.event(
            state,
            kinds.EXTENSION_ANSWERED,
            answer=event.answer,
            offer=offer_view(event.offer, state.users) if event.offer else None,
            request=request_view(event.request, state.users) if event.request else None,
            **self.who(state.users.get(event.by or "")),
        )

    def _participant(self, state: CallState, participant: Participant) -> View:
        user = state.users.get(participant.user_id)
        return {"participant": participant_view(participant, state.users), **self.who(user)}

    async def flush(self) -> None:
        """Write everything noted until now."""
        for state in self._states.values():
            if state.session is not None and state.session.fair is not None and not state.session.running:
                await self._add_record(state, state.session)
        await self.compose().store(self.tx)
        for state in self._states.values():
            state.mark_stored()
        self._entries, self._changes, self._effects, self._notices, self._states = [], [], [], [], {}

    async def _add_record(self, state: CallState, session: Session) -> None:
        """Put the signed record of a session with policies into the event that tells of its end."""
        stays = {stay.id: stay for stay in await participants.stays_of(self.tx, session.id)}
        stays |= {stay.id: stay for stay in state.closed}
        changes = await ledger.of_session(self.tx, session.id)
        changes += [change for _, change in self._changes if change.session_id == session.id]
        record = make_record(session, list(stays.values()), changes, now=self.now)
        for entry in self._entries:
            if entry.kind == kinds.SESSION_ENDED and entry.session_id == session.id:
                entry.fields.update(self.tx.sign(record_view(session, record, changes)))

    def compose(self) -> Writes:
        """Return what everything noted until now comes to, without writing it."""
        states = list(self._states.values())
        self._mirror(states)
        writes = Writes(changes=self._changes, effects=self._effects)
        for state in states:
            _compare(state, writes)
        for state in states:
            if state.session is not None and not state.session.running:
                state.session = None
        writes.events = self._render()
        writes.calls = [state.call for state in states if state.call != state.stored_call]
        return writes

    def _mirror(self, states: Iterable[CallState]) -> None:
        """Promise to tell a media room of a clock that is another than what is stored."""
        for state in states:
            session, stored = state.session, state.stored_session
            if session is None or stored is None or session.id != stored.id or session is stored:
                continue
            if session.engine != "livekit" or not session.running:
                continue
            if room_metadata(session, now=self.now) != room_metadata(stored, now=self.now):
                self.room_effect(outbox.ROOM_METADATA, session)

    def _render(self) -> list[events.NewEvent]:
        views: dict[str, View] = {}
        numbers = {cid: state.call.last_event_id for cid, state in self._states.items()}
        new: list[events.NewEvent] = []
        created_at = rfc3339(self.now)
        for entry in self._entries:
            state, cid = entry.state, entry.state.call.cid
            number = numbers[cid] = numbers[cid] + 1
            view = views.get(cid)
            if view is None:
                view = views[cid] = call_view(state, now=self.now)
            view["last_event_id"] = number
            payload: View = {"type": entry.kind, "id": number, "cid": cid, "created_at": created_at}
            if entry.session_id is not None:
                payload["session_id"] = entry.session_id
            payload["call"] = view
            payload.update(entry.fields)
            text = orjson.dumps(payload).decode()
            new.append(events.NewEvent(cid, number, entry.kind, self.now, text))
        for cid, view in views.items():
            state = self._states[cid]
            state.call = replace(state.call, last_event_id=view["last_event_id"])
        for channel, cid, message in self._notices:
            told = message | {"cid": cid, "after_id": numbers[cid]}
            new.append(events.notice(channel, told, now=self.now))
        return new


def _compare(state: CallState, writes: Writes) -> None:
    """Note the difference between what is stored and the present session and participants."""
    session, stored = state.session, state.stored_session
    if session is None or (session is stored and not state.closed):
        return
    if stored is None or stored.id != session.id:
        writes.started.append(session)
        known: dict[str, Participant] = {}
    else:
        writes.sessions.append(session)
        known = {p.id: p for p in stored.participants}
    for participant in (*state.closed, *session.participants):
        if participant.id not in known:
            writes.arrived.append(participant)
        elif participant != known[participant.id]:
            writes.participants.append(participant)

import type { Room } from 'livekit-client';
import type { CallclockError } from './errors.js';
import type { DeviceKind } from './media.js';
import { type SessionSchedule, anchorsOf, readClock, withWholeClock } from './clock_reading.js';
import type {
  CallEnvelope,
  CallResponse,
  ChangeResponse,
  ClockResponse,
  EndedReason,
  MemberResponse,
  OfferResponse,
  ParticipantResponse,
  RequestResponse,
  SessionRecord,
  SessionResponse,
} from './wire.js';
import type { CallEvent, ExtensionAnswer } from './wire_events.js';

/** Where this page stands with the call. */
export const CallingState = {
  IDLE: 'idle',
  JOINING: 'joining',
  /** In the waiting room, until somebody lets us in; `joined` follows by itself. */
  WAITING: 'waiting',
  JOINED: 'joined',
  /** The connection was lost and is being sought again. */
  RECONNECTING: 'reconnecting',
  /** We left, or were taken out: see `leftReason`. */
  LEFT: 'left',
  /** The session is over for everybody: see `endedReason`. */
  ENDED: 'ended',
  JOIN_FAILED: 'join-failed',
} as const;
export type CallingState = (typeof CallingState)[keyof typeof CallingState];

/** Why we are out while the call may go on. */
export type LeftReason = 'left' | 'removed' | 'joined-elsewhere' | 'connection-lost';

/** What became of an offer or a request for more time. */
export interface AnsweredExtension {
  readonly answer: ExtensionAnswer;
  readonly offer: OfferResponse | null;
  readonly request: RequestResponse | null;
  /** Whose answer it was; null for a rule, and for the application's own backend. */
  readonly by: { readonly id: string; readonly name: string | null } | null;
}

/** Required roles that never came. */
export interface NoShow {
  readonly roles: readonly string[];
  readonly action: 'end' | 'tell';
}

/** What is known of one call. Each change makes a new object; parts that did not change stay the same. */
export interface CallState {
  readonly callingState: CallingState;
  readonly call: CallResponse | undefined;
  /** The running session; after its end, the last one as it ended. */
  readonly session: SessionResponse | undefined;
  readonly members: readonly MemberResponse[];
  readonly ownCapabilities: readonly string[];
  readonly leftReason: LeftReason | undefined;
  readonly joinError: CallclockError | undefined;
  /** Our own place in the session, while we have one. */
  readonly participantId: string | undefined;
  readonly joinedSessionId: string | undefined;
  /** The rows of the session's ledger that are known here, oldest first. */
  readonly changes: readonly ChangeResponse[];
  /** Extensions asked for here and not answered yet. */
  readonly pendingExtensions: number;
  /** The last answer to an offer or a request that this page has seen. */
  readonly answered: AnsweredExtension | undefined;
  readonly noShow: NoShow | undefined;
  /** The record of the session that ended, where the server sent it along. */
  readonly record: SessionRecord | undefined;
  /** The waiting room as it was read last; only for those who may admit. */
  readonly waiting: readonly ParticipantResponse[];
  readonly room: Room | undefined;
  readonly deviceErrors: Readonly<Partial<Record<DeviceKind, Error>>>;
}

export const INITIAL_STATE: CallState = {
  callingState: CallingState.IDLE,
  call: undefined,
  session: undefined,
  members: [],
  ownCapabilities: [],
  leftReason: undefined,
  joinError: undefined,
  participantId: undefined,
  joinedSessionId: undefined,
  changes: [],
  pendingExtensions: 0,
  answered: undefined,
  noShow: undefined,
  record: undefined,
  waiting: [],
  room: undefined,
  deviceErrors: {},
};

interface EndHint {
  reason?: EndedReason | null | undefined;
  endedAt?: string | null | undefined;
}

/** Takes in the call's state from an answer or event, unless something newer is known already. */
export function withCall(state: CallState, answer: CallResponse, hint: EndHint = {}): CallState {
  if (state.call !== undefined && answer.last_event_id < state.call.last_event_id) return state;
  const call = answer.session === null ? answer : { ...answer, session: withWholeClock(answer.session) };
  const session = call.session ?? endedSession(state.session, call, hint);
  return {
    ...state,
    call: {
      ...call,
      settings: keepIfSame(state.call?.settings, call.settings),
      custom: keepIfSame(state.call?.custom, call.custom),
    },
    session: keepIfSame(state.session, session),
    ...(session?.id === state.session?.id ? {} : NEW_SESSION),
  };
}

/** What belongs to one session, as a new one begins with it. */
const NEW_SESSION = { changes: [], answered: undefined, noShow: undefined, record: undefined, waiting: [] };

export function withEnvelope(state: CallState, envelope: CallEnvelope): CallState {
  const next = withCall(state, envelope.call);
  if (next === state) return state;
  return {
    ...next,
    members: keepIfSame(state.members, envelope.members),
    ownCapabilities: keepIfSame(state.ownCapabilities, envelope.own_capabilities),
  };
}

export function withEvent(state: CallState, event: CallEvent, ownUserId: string): CallState {
  const hint = { reason: event.reason, endedAt: event.ended_at };
  let next = withCall(state, event.call, hint);
  if (event.change) next = withChanges(next, [event.change]);
  if (event.record) next = { ...next, record: event.record };
  if (event.type === 'call.session_no_show') {
    next = { ...next, noShow: { roles: event.roles ?? [], action: event.action ?? 'tell' } };
  }
  if (event.type === 'call.extension_answered' && event.answer) {
    const { answer, offer = null, request = null } = event;
    const by = event.user ? { id: event.user.id, name: event.user.name } : null;
    next = { ...next, answered: { answer, offer, request, by } };
  }
  if (event.own_capabilities && event.user?.id === ownUserId && !isOutdated(state, event)) {
    next = { ...next, ownCapabilities: keepIfSame(next.ownCapabilities, event.own_capabilities) };
  }
  return next;
}

/** Whether the state is further than the event: one that was missed and is told afterwards. */
export function isOutdated(state: CallState, event: CallEvent): boolean {
  return event.call.last_event_id < (state.call?.last_event_id ?? 0);
}

/** Adds ledger rows of the current session, each once, in the order in which they were made. */
export function withChanges(state: CallState, rows: readonly ChangeResponse[]): CallState {
  const known = new Set(state.changes.map((change) => change.id));
  const news = rows.filter((row) => row.session_id === state.session?.id && !known.has(row.id));
  if (news.length === 0) return state;
  const changes = [...state.changes, ...news].sort((a, b) => a.at.localeCompare(b.at));
  return { ...state, changes };
}

/** The session is over at `endedAtMs` as far as this page can know. */
export function endedAtDeadline(state: CallState, endedAtMs: number): CallState {
  const session = state.session;
  if (session === undefined) return state;
  const hint = { reason: reasonAt(session.clock, endedAtMs), endedAt: new Date(endedAtMs).toISOString() };
  return { ...state, session: markEnded(session, hint) };
}

function reasonAt({ wall_ends_at, overtime_ends_at }: ClockResponse, endedAtMs: number): EndedReason {
  if (wall_ends_at && Date.parse(wall_ends_at) === endedAtMs) return 'max_wall_reached';
  return overtime_ends_at ? 'overtime_used_up' : 'max_duration_reached';
}

export function isAttending(state: CallState): boolean {
  return state.callingState === CallingState.JOINED || state.callingState === CallingState.RECONNECTING;
}

/** Whether we are in the call, or before its doors. */
export function isInside(state: CallState): boolean {
  return isAttending(state) || state.callingState === CallingState.WAITING;
}

/** Whether the session that we joined is no longer the running one. */
export function joinedSessionIsOver(state: CallState): boolean {
  return state.joinedSessionId !== undefined && state.call?.session?.id !== state.joinedSessionId;
}

/** When the call ended, or undefined while it has not. */
export function endedAt(state: CallState): string | undefined {
  const sessionEnd = state.callingState === CallingState.ENDED ? state.session?.ended_at : undefined;
  return state.call?.ended_at ?? sessionEnd ?? undefined;
}

export function endedReason(state: CallState): EndedReason | undefined {
  const sessionReason = state.callingState === CallingState.ENDED ? state.session?.ended_reason : undefined;
  return sessionReason ?? state.call?.ended_reason ?? undefined;
}

export function scheduleOf(state: CallState): SessionSchedule | null {
  const { session, call } = state;
  if (session === undefined || call === undefined) return null;
  return scheduleOfSession(session, call.settings.limits.warning_seconds);
}

function scheduleOfSession(session: SessionResponse, warningSeconds: readonly number[]): SessionSchedule {
  return {
    startedAtMs: Date.parse(session.started_at),
    endsAtMs: session.timer_ends_at === null ? null : Date.parse(session.timer_ends_at),
    endedAtMs: session.ended_at === null ? null : Date.parse(session.ended_at),
    warningSeconds,
    anchors: anchorsOf(session),
  };
}

function endedSession(
  known: SessionResponse | undefined,
  call: CallResponse,
  hint: EndHint,
): SessionResponse | undefined {
  if (known === undefined || known.ended_at !== null) return known;
  return markEnded(known, {
    reason: hint.reason ?? call.ended_reason,
    endedAt: hint.endedAt ?? call.ended_at ?? call.updated_at,
  });
}

function markEnded(session: SessionResponse, hint: EndHint): SessionResponse {
  return {
    ...session,
    ended_at: hint.endedAt ?? null,
    ended_reason: hint.reason ?? null,
    participants: [],
    clock: hint.endedAt ? clockAt(session, Date.parse(hint.endedAt)) : { ...session.clock, state: 'ended' },
  };
}

/** The clock as it stopped. */
function clockAt(session: SessionResponse, endedAtMs: number): ClockResponse {
  const { remainingMs, elapsedMs, pausedMs, overtimeMs } = readClock(scheduleOfSession(session, []), endedAtMs);
  return {
    ...session.clock,
    state: 'ended',
    elapsed_seconds: elapsedMs / 1000,
    remaining_seconds: remainingMs === null ? null : remainingMs / 1000,
    paused_seconds: pausedMs / 1000,
    overtime_seconds: overtimeMs / 1000,
    offer: null,
    requests: [],
  };
}

/** The old object where the new one says the same, so that nobody who reads it draws again. */
function keepIfSame<T>(known: T | undefined, next: T): T {
  return known !== undefined && JSON.stringify(known) === JSON.stringify(next) ? known : next;
}

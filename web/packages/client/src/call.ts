import { Attendance, type JoinOptions } from './attendance.js';
import { CallApi } from './call_api.js';
import { CallEvents, type CallEventHandler, type CallEventName } from './call_events.js';
import {
  CallingState,
  type CallState,
  INITIAL_STATE,
  endedAtDeadline,
  isAttending,
  isOutdated,
  joinedSessionIsOver,
  scheduleOf,
  withCall,
  withChanges,
  withEnvelope,
  withEvent,
} from './call_state.js';
import { DeadlineGuard } from './deadline_guard.js';
import type { EventStream } from './event_stream.js';
import type { ConnectMedia } from './media.js';
import type { RestClient } from './rest.js';
import type { ServerClock } from './server_clock.js';
import { SessionClock } from './session_clock.js';
import { Store } from './store.js';
import type { Timers } from './timers.js';
import type * as wire from './wire.js';
import type { CallEvent } from './wire_events.js';

const LAST_QUESTION_MS = 3_000;

export interface CallOptions {
  type: string;
  id: string;
  rest: RestClient;
  stream: EventStream;
  serverClock: ServerClock;
  timers: Timers;
  connectMedia: ConnectMedia;
  random: () => number;
  deviceId: string;
  userId: string;
  onTick: () => void;
}

/**
 * One call as this page knows it: its state, its countdown, and what can be done with it.
 *
 * Lifecycle: `idle` → `joining` → `joined` ⇄ `reconnecting` → `left` or `ended`; `join()` starts again. The
 * state comes from answers and events, newest last by event id; a gap in the ids makes the call read its
 * state again. All methods reject with `CallclockError`.
 */
export class Call {
  readonly type: string;
  readonly id: string;
  readonly cid: string;
  readonly clock: SessionClock;
  readonly #options: CallOptions;
  readonly #api: CallApi;
  readonly #store = new Store<CallState>(INITIAL_STATE);
  readonly #attendance: Attendance;
  readonly #deadline: DeadlineGuard;
  readonly #events = new CallEvents();
  #reading: Promise<void> | undefined;

  constructor(options: CallOptions) {
    const { stream, serverClock, timers, connectMedia, random, deviceId, onTick } = options;
    this.#options = options;
    this.type = options.type;
    this.id = options.id;
    this.#api = new CallApi(options.rest, options.type, options.id);
    this.cid = this.#api.cid;
    const [api, store] = [this.#api, this.#store];
    const reread = () => this.#reread();
    const onDeadline = (endsAtMs: number) => void this.#deadline.reached(endsAtMs);
    this.clock = new SessionClock({ serverClock, timers, onTick, onDeadline });
    this.#attendance = new Attendance({ api, stream, store, connectMedia, timers, random, deviceId, reread });
    this.#deadline = new DeadlineGuard({
      clock: this.clock,
      store,
      stream,
      timers,
      ask: () => this.#ask(),
      leave: (endsAtMs) => {
        this.#leaveAtDeadline(endsAtMs);
      },
    });
    store.subscribe(() => {
      this.#follow();
    });
  }

  /** The state, for `subscribe` and `getSnapshot`. */
  get state(): { getSnapshot: () => CallState; subscribe: (listener: () => void) => () => void } {
    return this.#store;
  }

  get currentUserId(): string {
    return this.#options.userId;
  }

  /** Enters the call. Repeated while in the call or on the way in, it gives the same promise. */
  join(options: JoinOptions = {}): Promise<wire.JoinAnswer> {
    return this.#attendance.join(options);
  }

  /** Leaves the call, also when joining has not finished; then the `join()` rejects (`left-before-joined`). */
  leave(): Promise<void> {
    return this.#attendance.leave();
  }

  async get(): Promise<wire.CallStateAnswer> {
    return this.#applyEnvelope(await this.#api.get());
  }

  /** Makes the call when it does not exist; needs `create-call`. */
  async getOrCreate(body: { data?: wire.CallData } = {}): Promise<wire.GetOrCreateCallAnswer> {
    return this.#applyEnvelope(await this.#api.getOrCreate(body));
  }

  create(body: { data?: wire.CallData } = {}): Promise<wire.GetOrCreateCallAnswer> {
    return this.getOrCreate(body);
  }

  /** Changes settings, start time or custom data. An absolute `max_duration_seconds` counts from the start. */
  async update(change: wire.CallUpdate): Promise<wire.CallStateAnswer> {
    return this.#applyEnvelope(await this.#api.update(change));
  }

  /** Adds seconds to the running session, each request exactly once; needs `change-max-duration`. */
  async extend(request: wire.ExtendRequest): Promise<wire.ExtendAnswer> {
    this.#store.update((state) => ({ ...state, pendingExtensions: state.pendingExtensions + 1 }));
    try {
      const answer = await this.#api.extend(request);
      this.#store.update((state) => withChanges(withCall(state, answer.call), answer.change === null ? [] : [answer.change]));
      return answer;
    } finally {
      this.#store.update((state) => ({ ...state, pendingExtensions: state.pendingExtensions - 1 }));
    }
  }

  /** Ends the call for everybody; needs `end-call`. */
  async end(): Promise<wire.CallAnswer> {
    return this.#applyCall(await this.#api.end());
  }

  async reopen(): Promise<wire.CallAnswer> {
    return this.#applyCall(await this.#api.reopen());
  }

  async updateMembers(change: wire.MembersUpdate): Promise<wire.MembersAnswer> {
    const answer = await this.#api.updateMembers(change);
    this.#store.update((state) => ({ ...withCall(state, answer.call), members: answer.members }));
    return answer;
  }

  sessions(page: { limit?: number; next?: string } = {}): Promise<wire.SessionsAnswer> {
    return this.#api.sessions(page);
  }

  record(sessionId: string): Promise<wire.RecordAnswer> {
    return this.#api.record(sessionId);
  }

  /** Reads every change of a session's deadline; those of the current session enter the state. */
  async ledger(sessionId: string): Promise<wire.LedgerAnswer> {
    const answer = await this.#api.ledger(sessionId);
    this.#store.update((state) => withChanges(state, answer.ledger));
    return answer;
  }

  /** Follows the call without joining it. */
  watch(): void {
    this.#options.stream.watch(this.cid);
  }

  unwatch(): void {
    this.#options.stream.unwatch(this.cid);
  }

  /** Calls back for each event of one type, or of `all`; gives back the way to stop. */
  on<Name extends CallEventName>(name: Name, handler: CallEventHandler): () => void {
    return this.#events.on(name, handler);
  }

  /** @internal An event of this call has come in. */
  receive(event: CallEvent): void {
    const known = this.#store.getSnapshot();
    const arrival = this.#events.arrived(event.id, known.call?.last_event_id);
    if (arrival === 'repeated') return;
    this.#store.update((state) => withEvent(state, event, this.currentUserId));
    if (arrival === 'gap' || event.type.startsWith('call.member_')) void this.#reread();
    if (!isOutdated(known, event)) this.#leaveIfShutOut(event);
    this.#events.emit(event);
  }

  /** @internal The stream (re)opened and told the state of this call. */
  receiveState(envelope: wire.CallEnvelope): void {
    this.#applyEnvelope(envelope);
    this.#attendance.ensurePresence();
  }

  /** @internal The server tells this user no more of the call. */
  shutOut(): void {
    this.#attendance.removed();
  }

  /** @internal */
  dispose(): void {
    this.clock.dispose();
    this.#attendance.stop();
  }

  #leaveIfShutOut(event: CallEvent): void {
    if (event.type !== 'call.permissions_updated' || event.user?.id !== this.currentUserId) return;
    const may = event.own_capabilities ?? [];
    if (!may.includes('join-call') && !may.includes('read-call')) this.#attendance.removed();
  }

  /** Reads the state again; several askers share one reading. Failing is no news: the next event tells. */
  #reread(): Promise<void> {
    this.#reading ??= this.get()
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  /** Asks once more, without patience: the deadline is near. */
  async #ask(): Promise<void> {
    this.#applyEnvelope(await this.#api.get({ timeoutMs: LAST_QUESTION_MS }));
  }

  #leaveAtDeadline(endsAtMs: number): void {
    this.#store.update((state) => endedAtDeadline(state, endsAtMs));
    this.#end();
  }

  #applyEnvelope<T extends wire.CallEnvelope>(envelope: T): T {
    this.#store.update((state) => withEnvelope(state, envelope));
    return envelope;
  }

  #applyCall<T extends { call: wire.CallResponse }>(answer: T): T {
    this.#store.update((state) => withCall(state, answer.call));
    return answer;
  }

  /** After every change of the state: the clock gets its times, and a session that is over is left. */
  #follow(): void {
    const state = this.#store.getSnapshot();
    this.clock.setSchedule(scheduleOf(state));
    const isIn = isAttending(state) || state.callingState === CallingState.JOINING;
    if (isIn && joinedSessionIsOver(state)) this.#end();
  }

  #end(): void {
    this.#attendance.stop();
    this.#store.update((state) => ({
      ...state,
      callingState: CallingState.ENDED,
      joinedSessionId: undefined,
      participantId: undefined,
      room: undefined,
    }));
  }
}

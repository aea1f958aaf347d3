import { Attendance, type JoinOptions } from './attendance.js';
import { CallApi } from './call_api.js';
import { CallEvents, type CallEventHandler, type CallEventName } from './call_events.js';
import {
  CallingState,
  type CallState,
  INITIAL_STATE,
  endedAtDeadline,
  isInside,
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
  #wasLive = false;
  #cooledDownAt: string | undefined;

  constructor(options: CallOptions) {
    const { stream, serverClock, timers, connectMedia, random, deviceId, userId, onTick } = options;
    this.#options = options;
    this.type = options.type;
    this.id = options.id;
    this.#api = new CallApi(options.rest, options.type, options.id);
    this.cid = this.#api.cid;
    const [api, store] = [this.#api, this.#store];
    const reread = () => this.#reread();
    const onDeadline = (endsAtMs: number) => void this.#deadline.reached(endsAtMs);
    const onReading = () => {
      this.#deadline.approach();
      this.#lookAfterCoolingDown();
    };
    this.#deadline = new DeadlineGuard({
      serverClock,
      store,
      stream,
      timers,
      ask: () => this.#ask(),
      leave: (endsAtMs) => {
        this.#leaveAtDeadline(endsAtMs);
      },
    });
    this.clock = new SessionClock({ serverClock, timers, onTick, onDeadline, onReading });
    const place = { deviceId, userId };
    this.#attendance = new Attendance({ api, stream, store, connectMedia, timers, random, reread, ...place });
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

  /** Milliseconds since 1970 by the server's clock. */
  now(): number {
    return this.#options.serverClock.now();
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

  /**
   * Adds seconds to the running session, each request exactly once; needs `change-max-duration`. Where others
   * must consent it offers them instead: then the answer's `change` is null until one of them accepts.
   */
  async extend(request: wire.ExtendRequest): Promise<wire.ExtendAnswer> {
    this.#store.update((state) => ({ ...state, pendingExtensions: state.pendingExtensions + 1 }));
    try {
      const answer = await this.#api.extend(request);
      return this.#applyChange(answer);
    } finally {
      this.#store.update((state) => ({ ...state, pendingExtensions: state.pendingExtensions - 1 }));
    }
  }

  /** Starts a clock that waits, whatever it waits for; needs `change-max-duration`, as the next two do. */
  async startClock(request: wire.ReasonRequest = {}): Promise<wire.ClockAnswer> {
    return this.#applyChange(await this.#api.startClock(request));
  }

  /** Stops the clock; everybody sees the reason. It goes on by itself when no more pausing is allowed. */
  async pauseClock(request: wire.ReasonRequest = {}): Promise<wire.ClockAnswer> {
    return this.#applyChange(await this.#api.pauseClock(request));
  }

  async resumeClock(request: wire.ReasonRequest = {}): Promise<wire.ClockAnswer> {
    return this.#applyChange(await this.#api.resumeClock(request));
  }

  /** Lets in everybody who waits and whoever comes; needs `join-backstage`, as the next three do. */
  async goLive(): Promise<wire.CallAnswer> {
    return this.#applyCall(await this.#api.goLive());
  }

  /** Lets those wait who come from now on; a clock that runs goes on. */
  async stopLive(): Promise<wire.CallAnswer> {
    return this.#applyCall(await this.#api.stopLive());
  }

  /** Lets one person in. */
  async admit(userId: string): Promise<wire.AdmitAnswer> {
    const answer = this.#applyCall(await this.#api.admit(userId));
    this.#store.update((state) => ({ ...state, waiting: state.waiting.filter((one) => one.user_id !== userId) }));
    return answer;
  }

  /** Reads who waits; the list enters the state. */
  async waiting(): Promise<wire.WaitingAnswer> {
    const answer = await this.#api.waiting();
    this.#store.update((state) => ({ ...state, waiting: answer.waiting }));
    return answer;
  }

  /** Accepts time that was offered; needs a role that may consent. */
  async acceptOffer(offerId: string): Promise<wire.OfferAnswer> {
    return this.#applyChange(await this.#api.acceptOffer(offerId));
  }

  /** Declines it; or takes one's own offer back. */
  async declineOffer(offerId: string): Promise<wire.OfferAnswer> {
    return this.#applyCall(await this.#api.declineOffer(offerId));
  }

  /** Asks those who may extend for more time; needs nothing but being there. */
  async requestExtension(request: wire.MoreTimeRequest): Promise<wire.RequestAnswer> {
    return this.#applyCall(await this.#api.requestExtension(request));
  }

  /** Adds what was asked for, or offers it where others must consent; needs `change-max-duration`. */
  async approveRequest(requestId: string, request: wire.ApproveRequest = {}): Promise<wire.ApproveAnswer> {
    return this.#applyChange(await this.#api.approveRequest(requestId, request));
  }

  /** Declines a request; or takes one's own back. */
  async declineRequest(requestId: string, request: wire.ReasonRequest = {}): Promise<wire.RequestAnswer> {
    return this.#applyCall(await this.#api.declineRequest(requestId, request));
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

  /** Reads what a session was; that of the current one enters the state. */
  async record(sessionId: string): Promise<wire.RecordAnswer> {
    const answer = await this.#api.record(sessionId);
    this.#store.update((state) => (state.session?.id === sessionId ? { ...state, record: answer.record } : state));
    return answer;
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
    if (event.type === 'call.participant_admitted' && event.participant) this.#attendance.admitted(event.participant);
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

  /** No event tells that the next extension is allowed again: the time has to be looked at. */
  #lookAfterCoolingDown(): void {
    const until = this.#store.getSnapshot().session?.clock.extension.cooldown_until ?? null;
    if (until === null || until === this.#cooledDownAt || Date.parse(until) > this.now()) return;
    this.#cooledDownAt = until;
    void this.#reread();
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

  #applyChange<T extends { call: wire.CallResponse; change: wire.ChangeResponse | null }>(answer: T): T {
    const rows = answer.change === null ? [] : [answer.change];
    this.#store.update((state) => withChanges(withCall(state, answer.call), rows));
    return answer;
  }

  /** After every change of the state: the clock gets its times, and a session that is over is left. */
  #follow(): void {
    const state = this.#store.getSnapshot();
    this.clock.setSchedule(scheduleOf(state));
    const isIn = isInside(state) || state.callingState === CallingState.JOINING;
    if (isIn && joinedSessionIsOver(state)) this.#end();
    const isLive = state.session?.clock.live ?? false;
    const doorsOpened = isLive && !this.#wasLive;
    this.#wasLive = isLive;
    if (doorsOpened) this.#attendance.enter();
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

import type { RestClient } from './rest.js';
import type {
  AdmitAnswer,
  ApproveAnswer,
  ApproveRequest,
  CallAnswer,
  CallData,
  CallStateAnswer,
  CallUpdate,
  ClockAnswer,
  ConsentRequest,
  ExtendAnswer,
  ExtendRequest,
  GetOrCreateCallAnswer,
  JoinAnswer,
  LedgerAnswer,
  MembersAnswer,
  MembersUpdate,
  MoreTimeRequest,
  OfferAnswer,
  ReasonRequest,
  RecordAnswer,
  RequestAnswer,
  SessionAnswer,
  SessionsAnswer,
  VerificationAnswer,
  WaitingAnswer,
} from './wire.js';

export interface JoinRequest {
  create?: boolean | undefined;
  data?: CallData | undefined;
  /** Only with a server token: whom to join. */
  user_id?: string | undefined;
  device_id?: string | undefined;
  connection_id?: string | undefined;
}

export interface LeaveRequest {
  participant_id?: string | undefined;
  device_id?: string | undefined;
  user_id?: string | undefined;
}

/** One call's part of the HTTP API. Keeps no state: answers go to the caller. */
export class CallApi {
  readonly type: string;
  readonly id: string;
  readonly #rest: RestClient;
  readonly #path: string;

  constructor(rest: RestClient, type: string, id: string) {
    this.#rest = rest;
    this.type = type;
    this.id = id;
    this.#path = `/v1/calls/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
  }

  get cid(): string {
    return `${this.type}:${this.id}`;
  }

  /** The call, made when it does not exist; an existing one is answered unchanged. */
  getOrCreate(body: { data?: CallData } = {}): Promise<GetOrCreateCallAnswer> {
    return this.#rest.request({ method: 'POST', path: this.#path, body, repeatable: true });
  }

  /** `getOrCreate` under the name that reads better in a script. */
  create(body: { data?: CallData } = {}): Promise<GetOrCreateCallAnswer> {
    return this.getOrCreate(body);
  }

  get(options: { timeoutMs?: number } = {}): Promise<CallStateAnswer> {
    return this.#rest.request({ method: 'GET', path: this.#path, timeoutMs: options.timeoutMs });
  }

  /** Merges the override key by key; `limits.max_duration_seconds` is the new total since the start. */
  update(body: CallUpdate): Promise<CallStateAnswer> {
    return this.#rest.request({ method: 'PATCH', path: this.#path, body, repeatable: true });
  }

  delete(): Promise<CallAnswer> {
    return this.#rest.request({ method: 'DELETE', path: this.#path });
  }

  /** Repeatable: the same user and device take the same place again. */
  join(body: JoinRequest = {}): Promise<JoinAnswer> {
    return this.#post('join', body, { repeatable: true });
  }

  leave(body: LeaveRequest = {}, options: { timeoutMs?: number } = {}): Promise<CallAnswer> {
    return this.#post('leave', body, { repeatable: true, keepalive: true, ...options });
  }

  /** Ends the call for everybody. */
  end(): Promise<CallAnswer> {
    return this.#post('end', {}, { repeatable: true });
  }

  /**
   * Moves the deadline by `seconds`, atomically, so that two who extend at once both count. Each request
   * carries a key of its own: a lost answer is asked for again and never adds twice. Where others must consent
   * the answer holds an offer to them instead of a change.
   */
  extend(request: ExtendRequest): Promise<ExtendAnswer> {
    const { idempotency_key: key = crypto.randomUUID(), ...rest } = request;
    return this.#post('extend', { ...rest, idempotency_key: key }, { repeatable: true, mayBeReplayed: true });
  }

  /** Starts the clock that waits, whatever it waits for. */
  startClock(body: ReasonRequest = {}): Promise<ClockAnswer> {
    return this.#once('start_clock', body);
  }

  /** Stops the clock by hand. */
  pauseClock(body: ReasonRequest = {}): Promise<ClockAnswer> {
    return this.#once('pause', body);
  }

  resumeClock(body: ReasonRequest = {}): Promise<ClockAnswer> {
    return this.#once('resume', body);
  }

  /** Opens the doors: everybody who waits is let in, and nobody has to wait any more. */
  goLive(): Promise<CallAnswer> {
    return this.#once('go_live', {});
  }

  /** Closes the doors for those who come from now on; a clock that runs goes on. */
  stopLive(): Promise<CallAnswer> {
    return this.#once('stop_live', {});
  }

  /** Lets one person in from the waiting room. */
  admit(userId: string): Promise<AdmitAnswer> {
    return this.#once('admit', { user_id: userId });
  }

  /** Who is in the waiting room. */
  waiting(): Promise<WaitingAnswer> {
    return this.#read('waiting');
  }

  /** Accepts time that was offered; only this moves the deadline. */
  acceptOffer(offerId: string, body: ConsentRequest = {}): Promise<OfferAnswer> {
    return this.#once(`extension_offers/${encodeURIComponent(offerId)}/accept`, body);
  }

  /** Declines it; or, by whoever may extend, takes it back. */
  declineOffer(offerId: string, body: ConsentRequest = {}): Promise<OfferAnswer> {
    return this.#once(`extension_offers/${encodeURIComponent(offerId)}/decline`, body);
  }

  /** Asks those who may extend for more time. */
  requestExtension(body: MoreTimeRequest): Promise<RequestAnswer> {
    return this.#once('extension_requests', body);
  }

  /** Adds the time that was asked for, or offers it where others must consent. */
  approveRequest(requestId: string, body: ApproveRequest = {}): Promise<ApproveAnswer> {
    return this.#once(`extension_requests/${encodeURIComponent(requestId)}/approve`, body);
  }

  /** Declines a request; or, by whoever asked, takes it back. */
  declineRequest(requestId: string, body: ReasonRequest = {}): Promise<RequestAnswer> {
    return this.#once(`extension_requests/${encodeURIComponent(requestId)}/decline`, body);
  }

  /** Takes the end of the call back; the next join starts a new session. */
  reopen(): Promise<CallAnswer> {
    return this.#post('reopen', {}, {});
  }

  updateMembers(body: MembersUpdate): Promise<MembersAnswer> {
    return this.#post('members', body, { repeatable: true });
  }

  /** The sittings of the call, newest first. */
  sessions(page: { limit?: number; next?: string } = {}): Promise<SessionsAnswer> {
    return this.#read('sessions', page);
  }

  session(sessionId: string): Promise<SessionAnswer> {
    return this.#read(`sessions/${encodeURIComponent(sessionId)}`);
  }

  /** Every change of a session's deadline. */
  ledger(sessionId: string): Promise<LedgerAnswer> {
    return this.#read(`sessions/${encodeURIComponent(sessionId)}/ledger`);
  }

  /** Who was present for how long: what a bill can be written from. */
  record(sessionId: string): Promise<RecordAnswer> {
    return this.#read(`sessions/${encodeURIComponent(sessionId)}/record`);
  }

  /** The record computed anew from ledger and event log, and compared with what it says. */
  verification(sessionId: string): Promise<VerificationAnswer> {
    return this.#read(`sessions/${encodeURIComponent(sessionId)}/verification`);
  }

  /** Done once, however often the answer is lost on the way. */
  #once<T>(action: string, body: unknown): Promise<T> {
    return this.#post(action, body, { idempotencyKey: crypto.randomUUID() });
  }

  #read<T>(path: string, query: { limit?: number; next?: string } = {}): Promise<T> {
    return this.#rest.request({ method: 'GET', path: `${this.#path}/${path}`, query });
  }

  #post<T>(
    action: string,
    body: unknown,
    how: { repeatable?: boolean; idempotencyKey?: string; mayBeReplayed?: boolean; keepalive?: boolean; timeoutMs?: number },
  ): Promise<T> {
    return this.#rest.request({ method: 'POST', path: `${this.#path}/${action}`, body, ...how });
  }
}

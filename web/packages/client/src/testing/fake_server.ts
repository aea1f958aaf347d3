import { StreamVideoClient, type StreamVideoClientOptions } from '../stream_video_client.js';
import type { ChangeResponse, EndedReason, PausedReason, SessionRecord } from '../wire.js';
import type { ClientMessage } from '../wire_events.js';
import { FakeCall } from './fake_call.js';
import { answerFairly, offerTime } from './fake_rules.js';
import { FakeSocket } from './fake_socket.js';
import type { Timers } from '../timers.js';
import { ManualTimers } from './manual_timers.js';

export interface FakeRequest {
  method: string;
  path: string;
  body: Record<string, unknown>;
  userId: string;
  /** The `Idempotency-Key`. */
  key: string | null;
}

/** Time for a fake server: what a client waits on, and what time it truly is. */
export interface TrueTimers extends Timers {
  readonly trueNow: number;
}

const ALL = ['join-call', 'send-audio', 'send-video', 'screenshare', 'change-max-duration', 'end-call', 'join-backstage'];

/**
 * A server in memory for tests of clients and pages: one call, true time from `ManualTimers`. The token of a
 * user is the user's id. The network can be slow (`latencyMs`), gone (`isReachable`), or silent (`isSilent`).
 */
export class FakeServer<T extends TrueTimers = ManualTimers> {
  readonly timers: T;
  readonly call: FakeCall;
  readonly requests: FakeRequest[] = [];
  readonly capabilities: Record<string, string[]> = {};
  /** There and back. */
  latencyMs = { up: 0, down: 0 };
  isReachable = true;
  /** The event stream stays open but nothing comes through it. */
  isSilent = false;
  /** Refusals to answer with, by path's last part. */
  readonly refusals: Record<string, { status: number; code: string }> = {};
  /** Sockets ever opened. */
  socketCount = 0;
  /** With a URL, joins answer with a media room. */
  mediaUrl: string | undefined;
  #sockets = new Set<FakeSocket>();
  #log: { id: number }[] = [];
  #deadline: object | number | undefined;

  constructor(timers: T = new ManualTimers() as TrueTimers as T) {
    this.timers = timers;
    this.call = new FakeCall('appointment', 'test-call', () => timers.trueNow);
    this.#beat();
  }

  /** A client of this server for `userId`. */
  client(userId: string, options: Partial<StreamVideoClientOptions> = {}): StreamVideoClient {
    return new StreamVideoClient({
      apiKey: 'key',
      user: { id: userId },
      token: userId,
      baseUrl: 'http://server.test',
      fetch: (url, init) => this.fetch(url, init),
      openSocket: () => this.openSocket(),
      timers: this.timers,
      random: () => 0.5,
      deviceId: `tab-of-${userId}`,
      ...options,
    });
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    await this.#travel(this.latencyMs.up, init.signal);
    const { pathname } = new URL(url);
    const userId = new Headers(init.headers).get('Authorization')?.replace('Bearer ', '') ?? '';
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    const key = new Headers(init.headers).get('Idempotency-Key');
    const request = { method: init.method ?? 'GET', path: pathname, body, userId, key };
    this.requests.push(request);
    const { status, answer } = this.#answer(request);
    const stamped = JSON.stringify({ ...answer, server_time: new Date(this.timers.trueNow).toISOString() });
    await this.#travel(this.latencyMs.down, init.signal);
    return new Response(stamped, { status });
  };

  openSocket(): FakeSocket {
    this.socketCount += 1;
    const socket = new FakeSocket((message, from) => {
      this.#hear(message, from);
    });
    queueMicrotask(() => {
      if (!this.isReachable) socket.drop(1006);
      else {
        this.#sockets.add(socket);
        socket.onopen?.();
      }
    });
    return socket;
  }

  /** Every event stream breaks. */
  dropSockets(code = 1006): void {
    for (const socket of this.#sockets) socket.drop(code);
    this.#sockets.clear();
  }

  /** The process stops: every event stream is asked to move. */
  drain(delay_seconds: number): void {
    const server_time = new Date(this.timers.trueNow).toISOString();
    for (const socket of this.#sockets) socket.say({ type: 'connection.reconnect', delay_seconds, reason: 'draining', server_time });
  }

  /** The network is gone for requests and event streams alike. */
  disconnect(): void {
    this.isReachable = false;
    this.dropSockets();
  }

  /** Something happens in the call, told to all who watch; `isLost`: told to nobody. */
  emit(type: string, extra: object = {}, options: { isLost?: boolean } = {}): void {
    this.call.lastEventId += 1;
    const at = new Date(this.timers.trueNow).toISOString();
    const { cid, lastEventId: id } = this.call;
    const event = { type, id, cid, ...extra, created_at: at, server_time: at, call: this.call.view() };
    this.#log.push(event);
    this.#planEnd();
    if (options.isLost === true || this.isSilent) return;
    for (const socket of this.#sockets) {
      if (socket.watched.has(this.call.cid)) socket.say(event);
    }
  }

  /** Somebody comes (and an event tells of it). */
  participantJoins(userId: string): void {
    const participant = this.call.join(userId, `tab-of-${userId}`);
    this.emit('call.session_participant_joined', { participant });
  }

  /** Somebody extends from another page. */
  extend(seconds: number, options: { isLost?: boolean } = {}): void {
    const change = this.call.extend(seconds, 'dr-lecter', null);
    this.emit('call.session_clock_changed', { change }, options);
  }

  /** The clock starts, as a rule or somebody says so. */
  startClock(): void {
    this.call.clock.start();
    this.#clockChanged('clock_start', { rule: 'all_roles' });
  }

  /** The clock stands still: for the absence of `roles`, or by hand; since `agoMs` ago. */
  pause(reason: Partial<PausedReason> = {}, agoMs = 0): void {
    const kind = reason.roles === undefined ? 'manual' : 'absence';
    this.call.clock.pause({ kind, roles: [], by: null, reason: null, ...reason }, this.timers.trueNow - agoMs);
    this.#clockChanged('pause', { kind, roles: reason.roles ?? [] }, this.timers.trueNow - agoMs);
  }

  resume(): void {
    this.call.clock.resume();
    this.#clockChanged('resume', { cause: 'returned' });
  }

  /** Somebody offers time from another page. */
  offer(seconds: number, by: string, more: { price_text?: string } = {}): void {
    offerTime(this, { seconds, by, ...more });
  }

  endCall(reason: EndedReason, endedAtMs = this.timers.trueNow, record?: SessionRecord): void {
    this.call.end(endedAtMs, reason);
    this.emit('call.ended', { reason });
    this.emit('call.session_ended', { reason, ...(record && { record }) });
  }

  #clockChanged(how: ChangeResponse['how'], details: ChangeResponse['details'], atMs = this.timers.trueNow): void {
    const at = new Date(atMs).toISOString();
    const change = this.call.record({ how, by: null, at, old_ends_at: null, seconds: 0, idempotency_key: null, details });
    this.emit('call.session_clock_changed', { change });
  }

  #answer(request: FakeRequest): { status: number; answer: object } {
    const action = request.path.split('/').at(-1) ?? '';
    const refusal = this.refusals[action];
    if (refusal !== undefined) return { status: refusal.status, answer: { ...refusal, title: refusal.code, detail: refusal.code } };
    const own = this.capabilities[request.userId] ?? ALL;
    const state = () => ({ ...this.call.envelope(own) });
    switch (`${request.method} ${action}`) {
      case 'POST join':
        return this.#join(request, own);
      case 'POST leave':
        this.call.leave(String(request.body['participant_id']));
        this.emit('call.session_participant_left');
        return { status: 200, answer: { call: this.call.view() } };
      case 'POST end':
        this.endCall('ended_by_user');
        return { status: 200, answer: { call: this.call.view() } };
      case 'PATCH test-call':
        return this.#update(request, state);
      case 'GET ledger':
        return { status: 200, answer: { ledger: this.call.ledger } };
      default:
        return answerFairly(this, request, own) ?? { status: 200, answer: state() };
    }
  }

  #join({ userId, body }: FakeRequest, own: string[]): { status: number; answer: object } {
    if (this.call.endedAt !== null) {
      return { status: 403, answer: { status: 403, code: 'call-ended', title: 'ended', detail: 'The call has ended.' } };
    }
    const waiting = !own.includes('join-backstage') && this.call.mustWait(userId);
    const deviceId = String(body['device_id']);
    const participant = waiting ? this.call.wait(userId, deviceId) : this.call.join(userId, deviceId);
    if (waiting) this.emit('call.session_waiting_changed', { waiting_count: this.call.waiting.length });
    else this.emit('call.session_participant_joined', { participant });
    const room = this.call.session?.id ?? '';
    const hasMedia = this.mediaUrl !== undefined && !waiting;
    const media = hasMedia ? { url: this.mediaUrl, token: 'm', room, expires_at: '' } : null;
    return { status: 200, answer: { ...this.call.envelope(own), participant, media, waiting, created: false } };
  }

  #update({ body, userId }: FakeRequest, state: () => object): { status: number; answer: object } {
    const override = body['settings_override'] as { limits?: { max_duration_seconds?: number } } | undefined;
    const total = override?.limits?.max_duration_seconds;
    const change = total === undefined ? undefined : this.call.setTotal(total, userId);
    this.emit('call.session_clock_changed', { change });
    return { status: 200, answer: state() };
  }

  #hear(message: ClientMessage, socket: FakeSocket): void {
    if (this.isSilent) return;
    const server_time = new Date(this.timers.trueNow).toISOString();
    if (message.type === 'auth') {
      socket.userId = message.token;
      socket.say({ type: 'connection.ok', connection_id: 'connection', user_id: message.token, server_time });
    } else if (message.type === 'watch') {
      for (const cid of message.cids) socket.watched.add(cid);
      const own = this.capabilities[socket.userId ?? ''] ?? ALL;
      const heard = message.after?.[this.call.cid];
      const replayed = heard === undefined ? [] : [this.call.cid];
      socket.say({ type: 'watch.ok', calls: [this.call.envelope(own)], errors: [], replayed, server_time });
      for (const event of this.#log) if (heard !== undefined && event.id > heard) socket.say(event);
    } else if (message.type === 'ping') {
      socket.say({ type: 'health.check', connection_id: 'connection', server_time });
    } else {
      for (const cid of message.cids) socket.watched.delete(cid);
    }
  }

  /** At its deadline the call ends by itself, as on a real server. */
  #planEnd(): void {
    this.timers.clearTimeout(this.#deadline);
    const { hardEndMs } = this.call.clock;
    if (hardEndMs === undefined || this.call.session === null) return;
    const reason = this.call.settings.limits.overtime_seconds > 0 ? 'overtime_used_up' : 'max_duration_reached';
    this.#deadline = this.timers.setTimeout(() => {
      this.endCall(reason, hardEndMs);
    }, hardEndMs - this.timers.trueNow);
  }

  #beat(): void {
    this.timers.setTimeout(() => {
      const server_time = new Date(this.timers.trueNow).toISOString();
      if (!this.isSilent) {
        for (const socket of this.#sockets) socket.say({ type: 'health.check', connection_id: 'connection', server_time });
      }
      this.#beat();
    }, 10_000);
  }

  #travel(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const arrive = () => {
        if (this.isReachable) resolve();
        else reject(new TypeError('fetch failed'));
      };
      signal?.addEventListener('abort', () => {
        reject(new DOMException('aborted', 'AbortError'));
      });
      if (ms > 0) this.timers.setTimeout(arrive, ms);
      else arrive();
    });
  }
}


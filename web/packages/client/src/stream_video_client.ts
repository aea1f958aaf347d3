import { resolveBaseUrl, streamUrl } from './base_url.js';
import { Call } from './call.js';
import { tabDeviceId } from './device_id.js';
import { CallclockError, ClientErrorCode } from './errors.js';
import { EventStream, type Socket, type SocketFactory, type StreamState } from './event_stream.js';
import { connectLiveKit } from './livekit_media.js';
import type { ConnectMedia } from './media.js';
import { type Fetch, RestClient } from './rest.js';
import { ServerClock } from './server_clock.js';
import type { ReadableStore } from './store.js';
import { type Timers, systemTimers } from './timers.js';
import { type TokenProvider, TokenSource } from './tokens.js';
import type { QueryCallsAnswer, UserRequest } from './wire.js';
import type { ServerMessage } from './wire_events.js';
import { onWakeUp } from './wake_up.js';

export interface StreamVideoClientOptions {
  apiKey: string;
  user: UserRequest;
  /** A user token of your server; give `tokenProvider` instead to have it renewed. */
  token?: string;
  tokenProvider?: TokenProvider;
  /** Where the server is; by default `globalThis.CALLCLOCK_URL`, else the page's own origin. */
  baseUrl?: string;
  /** Longest wait for one answer of the server, in milliseconds. */
  timeoutMs?: number;
  /** Replacements for what the browser offers, for tests and for Node before 22. */
  fetch?: Fetch;
  openSocket?: SocketFactory;
  connectMedia?: ConnectMedia;
  timers?: Timers;
  random?: () => number;
  deviceId?: string;
}

export interface CallsQuery {
  filter?: Record<string, unknown>;
  sort?: { field: 'created_at' | 'starts_at' | 'ended_at' | 'timer_ends_at'; direction: 1 | -1 }[];
  limit?: number;
  next?: string;
}

const TIMEOUT_MS = 15_000;

/**
 * A user's connection to the server. Makes no connection until a call is joined or watched. `call()` gives
 * the same `Call` for the same type and id, so that all parts of a page share one state and one place.
 */
export class StreamVideoClient {
  readonly user: UserRequest;
  /** The server's time, as well as it is known. */
  readonly serverClock: ServerClock;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #rest: RestClient;
  readonly #stream: EventStream;
  readonly #connectMedia: ConnectMedia;
  readonly #deviceId: string;
  readonly #calls = new Map<string, Call>();
  #stopListening: (() => void) | undefined;

  constructor(options: StreamVideoClientOptions) {
    const { apiKey, timers = systemTimers, random = Math.random } = options;
    const baseUrl = resolveBaseUrl(options.baseUrl);
    const tokens = new TokenSource(options);
    const serverClock = new ServerClock(timers);
    const shared = { apiKey, tokens, serverClock, timers, random };
    this.user = options.user;
    this.serverClock = serverClock;
    this.#timers = timers;
    this.#random = random;
    this.#connectMedia = options.connectMedia ?? connectLiveKit;
    this.#deviceId = options.deviceId ?? tabDeviceId();
    const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#rest = new RestClient({ ...shared, baseUrl, fetch, timeoutMs: options.timeoutMs ?? TIMEOUT_MS });
    const openSocket = options.openSocket ?? openBrowserSocket;
    this.#stream = new EventStream({ ...shared, url: streamUrl(baseUrl), openSocket });
    this.#stream.onMessage((message) => {
      this.#route(message);
    });
  }

  /** The state of the event stream: whether the page hears the server. */
  get connection(): ReadableStore<StreamState> {
    return this.#stream.state;
  }

  call(type: string, id: string): Call {
    const cid = `${type}:${id}`;
    const call = this.#calls.get(cid) ?? this.#makeCall(type, id);
    this.#calls.set(cid, call);
    return call;
  }

  /** Calls that this user may read, with their state. */
  queryCalls(query: CallsQuery = {}): Promise<QueryCallsAnswer> {
    return this.#rest.request({ method: 'POST', path: '/v1/calls/query', body: query, repeatable: true });
  }

  /** Asks the server for its time; the event stream does so by itself while it is open. */
  async syncTime(): Promise<void> {
    await this.#rest.request({ method: 'GET', path: '/v1/capabilities' });
  }

  /** Leaves every call and closes the connection. */
  async close(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await Promise.allSettled([...this.#calls.values()].map((call) => call.leave()));
    this.#stream.close();
    for (const call of this.#calls.values()) call.dispose();
    this.#calls.clear();
  }

  #makeCall(type: string, id: string): Call {
    this.#stopListening ??= onWakeUp(() => {
      this.#resync();
    });
    return new Call({
      type,
      id,
      rest: this.#rest,
      stream: this.#stream,
      serverClock: this.serverClock,
      timers: this.#timers,
      connectMedia: this.#connectMedia,
      random: this.#random,
      deviceId: this.#deviceId,
      userId: this.user.id,
      onTick: () => {
        if (this.serverClock.takeSuspicion()) this.#resync();
      },
    });
  }

  #resync(): void {
    this.#stream.nudge();
    if (!this.#stream.isOpen) this.syncTime().catch(() => undefined);
  }

  #route(message: ServerMessage): void {
    if (message.type === 'watch.ok') {
      for (const envelope of message.calls) this.#calls.get(envelope.call.cid)?.receiveState(envelope);
    } else if (message.type === 'unwatch.ok') {
      // With a code it was the server's doing: the right to read the call is gone.
      if (message.code) for (const cid of message.cids) this.#calls.get(cid)?.shutOut();
    } else if ('cid' in message) {
      this.#calls.get(message.cid)?.receive(message);
    }
  }
}

function openBrowserSocket(url: string): Socket {
  if (typeof WebSocket === 'undefined') {
    throw new CallclockError({
      code: ClientErrorCode.INVALID_OPTIONS,
      message: 'This runtime has no WebSocket: give the client `openSocket`.',
    });
  }
  return new WebSocket(url) as unknown as Socket;
}

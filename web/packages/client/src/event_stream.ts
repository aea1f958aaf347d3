import { STREAM_BACKOFF, backoffMs } from './backoff.js';
import type { ServerClock } from './server_clock.js';
import { type ReadableStore, Store } from './store.js';
import { StreamProbe } from './stream_probe.js';
import type { TimerHandle, Timers } from './timers.js';
import type { TokenSource } from './tokens.js';
import { type ClientMessage, CloseCode, type ServerMessage } from './wire_events.js';

/** The part of a WebSocket that the stream uses. */
export interface Socket {
  send(data: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
}
export type SocketFactory = (url: string) => Socket;

/** `idle` before the first use · `waiting` between two attempts · `refused` when the token is not accepted. */
export type StreamPhase = 'idle' | 'connecting' | 'open' | 'waiting' | 'refused' | 'closed';

export interface StreamState {
  readonly phase: StreamPhase;
  readonly connectionId: string | undefined;
  /** The server's reason for the last refusal. */
  readonly reason: string | undefined;
}

export interface EventStreamOptions {
  url: string;
  apiKey: string;
  tokens: TokenSource;
  serverClock: ServerClock;
  timers: Timers;
  openSocket: SocketFactory;
  random: () => number;
}

/** The server speaks every 10 s at least; after this much silence the connection is taken for dead. */
const SILENCE_MS = 25_000;
const CONNECT_MS = 10_000;
/** No hint of a server is obeyed for longer. */
const LONGEST_HINT_MS = 60_000;

/**
 * The event stream: one WebSocket that comes back by itself, with backoff, a fresh token where the old one
 * has run out, the same connection id and the same watched calls. What was missed meanwhile arrives after
 * `watch.ok`, which carries each call's state. When the server's process stops, it says so beforehand: the
 * stream then moves to another one, and lets go of the old connection when the new one stands.
 */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #state = new Store<StreamState>({ phase: 'idle', connectionId: undefined, reason: undefined });
  readonly #listeners = new Set<(message: ServerMessage) => void>();
  readonly #watched = new Set<string>();
  readonly #probe: StreamProbe;
  #socket: Socket | undefined;
  #attempt = 0;
  #retry: TimerHandle | undefined;
  #silence: TimerHandle | undefined;
  #refreshToken = false;
  /** The connection that is to follow the present one. */
  #successor: Socket | undefined;
  #move: TimerHandle | undefined;
  /** When the server wants us back, in monotonic milliseconds. */
  #expectedAt: number | undefined;
  readonly #heard = new Map<string, number>();

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#probe = new StreamProbe(options);
  }

  get state(): ReadableStore<StreamState> {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.getSnapshot().phase === 'open';
  }

  get connectionId(): string | undefined {
    return this.#state.getSnapshot().connectionId;
  }

  onMessage(listener: (message: ServerMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    const { phase } = this.#state.getSnapshot();
    if (phase === 'idle' || phase === 'closed' || phase === 'refused') void this.#connect();
  }

  /** Resolves with whether the stream is open, after `timeoutMs` at the latest. */
  whenOpen(timeoutMs: number): Promise<boolean> {
    if (this.isOpen) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = () => {
        this.#options.timers.clearTimeout(timeout);
        unsubscribe();
        resolve(this.isOpen);
      };
      const timeout = this.#options.timers.setTimeout(finish, timeoutMs);
      const unsubscribe = this.#state.subscribe(() => {
        const { phase } = this.#state.getSnapshot();
        if (phase !== 'connecting') finish();
      });
    });
  }

  watch(cid: string): void {
    this.#watched.add(cid);
    this.open();
    if (this.isOpen) this.#sendWatch([cid]);
  }

  unwatch(cid: string): void {
    this.#watched.delete(cid);
    this.#heard.delete(cid);
    if (this.isOpen) this.#send({ type: 'unwatch', cids: [cid] });
  }

  /** Looks at once whether the connection lives, and what time the server has: after sleep, or back online. */
  readonly nudge = (): void => {
    if (this.#state.getSnapshot().phase === 'waiting') void this.#connect();
    else if (this.isOpen) {
      this.#probe.ping(this.#socket);
      this.#expectSound(CONNECT_MS / 2);
    }
  };

  close(): void {
    this.#abandonSocket();
    this.#options.timers.clearTimeout(this.#retry);
    this.#watched.clear();
    this.#heard.clear();
    this.#state.set({ phase: 'closed', connectionId: undefined, reason: undefined });
  }

  async #connect(): Promise<void> {
    this.#options.timers.clearTimeout(this.#retry);
    this.#abandonSocket();
    this.#become('connecting');
    const token = await this.#token();
    if (this.#state.getSnapshot().phase !== 'connecting' || this.#socket !== undefined) return;
    if (token === undefined) {
      this.#retryLater();
      return;
    }
    this.#attach(token);
  }

  async #token(): Promise<string | undefined> {
    const { tokens, serverClock } = this.#options;
    try {
      const token = this.#refreshToken ? await tokens.refresh() : await tokens.get(serverClock.now());
      this.#refreshToken = false;
      return token;
    } catch {
      // The application's own provider failed: the next attempt asks it again.
      return undefined;
    }
  }

  #attach(token: string): void {
    const socket = this.#options.openSocket(this.#options.url);
    this.#socket = socket;
    this.#expectSound(CONNECT_MS);
    socket.onopen = () => {
      this.#probe.questionSent();
      this.#authenticate(socket, token);
    };
    this.#listen(socket);
  }

  /** Opens the next connection beside the present one, which goes on until the other one is let in. */
  async #moveOn(): Promise<void> {
    const token = await this.#token();
    if (token === undefined || this.#socket === undefined) return;
    const socket = this.#options.openSocket(this.#options.url);
    this.#successor = socket;
    socket.onopen = () => {
      this.#authenticate(socket, token);
    };
    socket.onmessage = (event) => {
      if (this.#successor !== socket || parseMessage(event.data)?.type !== 'connection.ok') return;
      this.#successor = undefined;
      this.#abandonSocket();
      this.#socket = socket;
      this.#listen(socket);
      this.#receive(event.data);
    };
    // If it comes to nothing, the present connection is closed in due course, and the usual way back is taken.
    socket.onerror = () => undefined;
  }

  #listen(socket: Socket): void {
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#lost(event.code, event.reason);
    };
    // A close follows every error; Node's `ws` throws what nobody listens to.
    socket.onerror = () => undefined;
  }

  #authenticate(socket: Socket, token: string): void {
    const connectionId = this.connectionId;
    const auth: ClientMessage = { type: 'auth', api_key: this.#options.apiKey, token };
    if (connectionId !== undefined) auth.connection_id = connectionId;
    socket.send(JSON.stringify(auth));
  }

  #receive(data: unknown): void {
    const message = parseMessage(data);
    if (message === undefined) return;
    this.#expectSound(SILENCE_MS);
    this.#probe.heard(message, this.#socket);
    if (message.type === 'connection.ok') {
      this.#attempt = 0;
      this.#expectedAt = undefined;
      this.#state.set({ phase: 'open', connectionId: message.connection_id, reason: undefined });
      this.#sendWatch([...this.#watched]);
    }
    if (message.type === 'connection.reconnect') this.#planMove(message.delay_seconds * 1_000);
    this.#note(message);
    for (const listener of [...this.#listeners]) listener(message);
  }

  #planMove(hintMs: number): void {
    const { timers } = this.#options;
    const delay = Math.min(Math.max(hintMs, 0), LONGEST_HINT_MS);
    this.#expectedAt = timers.monotonicNow() + delay;
    timers.clearTimeout(this.#move);
    if (this.isOpen) this.#move = timers.setTimeout(() => void this.#moveOn(), delay);
  }

  /** Remembers how far each call was heard, so that a reconnect can ask for the rest. */
  #note(message: ServerMessage): void {
    if (message.type === 'watch.ok') {
      for (const { call } of message.calls) {
        if (!this.#watched.has(call.cid) || message.replayed?.includes(call.cid) === true) continue;
        this.#heard.set(call.cid, call.last_event_id);
      }
    } else if ('cid' in message && this.#watched.has(message.cid)) {
      this.#heard.set(message.cid, Math.max(message.id, this.#heard.get(message.cid) ?? 0));
    }
  }

  #lost(code: number, reason: string): void {
    this.#abandonSocket();
    const isTokenMatter = code === CloseCode.AUTH_FAILED || code === CloseCode.TOKEN_EXPIRED;
    if (isTokenMatter && (!this.#options.tokens.canRefresh || this.#attempt > 3)) {
      this.#state.set({ phase: 'refused', connectionId: this.connectionId, reason: reason || 'invalid-token' });
      return;
    }
    this.#refreshToken = isTokenMatter;
    // Whoever took the connection id over keeps it, or the two would push each other out for ever.
    if (code === CloseCode.REPLACED) this.#state.update((state) => ({ ...state, connectionId: undefined }));
    this.#retryLater();
  }

  #retryLater(): void {
    this.#become('waiting');
    const delay = this.#hintedMs() ?? backoffMs(STREAM_BACKOFF, this.#attempt, this.#options.random);
    this.#attempt += 1;
    this.#retry = this.#options.timers.setTimeout(() => void this.#connect(), delay);
  }

  /** How long the server asked us to wait, once. */
  #hintedMs(): number | undefined {
    const expectedAt = this.#expectedAt;
    this.#expectedAt = undefined;
    if (expectedAt === undefined) return undefined;
    return Math.max(0, expectedAt - this.#options.timers.monotonicNow());
  }

  #expectSound(withinMs: number): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#silence);
    this.#silence = timers.setTimeout(() => {
      this.#lost(0, 'silence');
    }, withinMs);
  }

  #abandonSocket(): void {
    this.#options.timers.clearTimeout(this.#silence);
    this.#options.timers.clearTimeout(this.#move);
    this.#probe.stop();
    for (const socket of [this.#socket, this.#successor]) {
      if (socket === undefined) continue;
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#socket = this.#successor = undefined;
  }

  #become(phase: StreamPhase): void {
    this.#state.update((state) => ({ ...state, phase }));
  }

  #sendWatch(cids: string[]): void {
    if (cids.length === 0) return;
    const after = Object.fromEntries([...this.#heard].filter(([cid]) => cids.includes(cid)));
    this.#send(Object.keys(after).length > 0 ? { type: 'watch', cids, after } : { type: 'watch', cids });
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }
}

function parseMessage(data: unknown): ServerMessage | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const message = JSON.parse(data) as Partial<ServerMessage> | null;
    return typeof message?.type === 'string' ? (message as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}

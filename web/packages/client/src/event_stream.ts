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

/**
 * The event stream: one WebSocket that comes back by itself, with backoff, a fresh token where the old one
 * has run out, the same connection id and the same watched calls. What was missed meanwhile arrives with
 * `watch.ok`, which carries each call's state.
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
      this.#authenticate(token);
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#lost(event.code, event.reason);
    };
    // A close follows every error; Node's `ws` throws what nobody listens to.
    socket.onerror = () => undefined;
  }

  #authenticate(token: string): void {
    this.#probe.questionSent();
    const connectionId = this.connectionId;
    const auth = { type: 'auth', api_key: this.#options.apiKey, token } as const;
    this.#send(connectionId === undefined ? auth : { ...auth, connection_id: connectionId });
  }

  #receive(data: unknown): void {
    const message = parseMessage(data);
    if (message === undefined) return;
    this.#expectSound(SILENCE_MS);
    this.#probe.heard(message, this.#socket);
    if (message.type === 'connection.ok') {
      this.#attempt = 0;
      this.#state.set({ phase: 'open', connectionId: message.connection_id, reason: undefined });
      this.#sendWatch([...this.#watched]);
    }
    for (const listener of [...this.#listeners]) listener(message);
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
    const delay = backoffMs(STREAM_BACKOFF, this.#attempt, this.#options.random);
    this.#attempt += 1;
    this.#retry = this.#options.timers.setTimeout(() => void this.#connect(), delay);
  }

  #expectSound(withinMs: number): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#silence);
    this.#silence = timers.setTimeout(() => {
      this.#lost(0, 'silence');
    }, withinMs);
  }

  #abandonSocket(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#options.timers.clearTimeout(this.#silence);
    this.#probe.stop();
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #become(phase: StreamPhase): void {
    this.#state.update((state) => ({ ...state, phase }));
  }

  #sendWatch(cids: string[]): void {
    if (cids.length > 0) this.#send({ type: 'watch', cids });
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

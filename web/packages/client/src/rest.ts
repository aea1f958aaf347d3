import { REQUEST_BACKOFF, backoffMs } from './backoff.js';
import { CallclockError, ClientErrorCode, asCallclockError } from './errors.js';
import type { ServerClock } from './server_clock.js';
import { type Timers, pause } from './timers.js';
import type { TokenSource } from './tokens.js';
import type { ProblemResponse } from './wire.js';

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

export interface RestOptions {
  baseUrl: string;
  apiKey: string;
  tokens: TokenSource;
  serverClock: ServerClock;
  timers: Timers;
  fetch: Fetch;
  random: () => number;
  /** Longest wait for one answer, in milliseconds. */
  timeoutMs: number;
}

export interface RestRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  idempotencyKey?: string | undefined;
  /** Whether a repeat does no harm, so that a lost answer may be asked for again. Reads always may. */
  repeatable?: boolean;
  /** Whether the answer can be an earlier one played back, whose time says nothing about now. */
  mayBeReplayed?: boolean;
  /** Overrides the client's wait for this request. */
  timeoutMs?: number | undefined;
  /** Lets the browser finish the request while the page goes away. */
  keepalive?: boolean;
}

const ATTEMPTS = 3;

/** Speaks HTTP with the server: adds who is asking, repeats what is safe to repeat, learns the server's time. */
export class RestClient {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  get baseUrl(): string {
    return this.#options.baseUrl;
  }

  /** Resolves with the answer's JSON; rejects with `CallclockError`. */
  async request<T>(request: RestRequest): Promise<T> {
    const repeatable =
      request.method === 'GET' || request.repeatable === true || request.idempotencyKey !== undefined;
    let tokenRefreshed = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#attempt(request)) as T;
      } catch (thrown) {
        const error = asCallclockError(thrown, ClientErrorCode.NETWORK);
        if (error.code === 'token-expired' && this.#options.tokens.canRefresh && !tokenRefreshed) {
          tokenRefreshed = true;
          await this.#options.tokens.refresh();
          continue;
        }
        if (!repeatable || !error.isTransient || attempt >= ATTEMPTS) throw error;
        await pause(this.#options.timers, backoffMs(REQUEST_BACKOFF, attempt - 1, this.#options.random));
      }
    }
  }

  async #attempt(request: RestRequest): Promise<unknown> {
    const { timers, serverClock, tokens } = this.#options;
    const token = await tokens.get(serverClock.now());
    const sentAt = timers.monotonicNow();
    const { response, answer } = await this.#send(request, token);
    const receivedAt = timers.monotonicNow();
    if (request.mayBeReplayed !== true && request.idempotencyKey === undefined) {
      const serverTimeMs = Date.parse(String((answer as { server_time?: unknown } | undefined)?.server_time));
      serverClock.observeRoundTrip({ serverTimeMs, sentAt, receivedAt });
    }
    if (response.ok && answer !== undefined) return answer;
    throw problem(response, answer);
  }

  async #send(request: RestRequest, token: string): Promise<{ response: Response; answer: unknown }> {
    const { timers, timeoutMs, fetch } = this.#options;
    const abort = new AbortController();
    const deadline = timers.setTimeout(() => {
      abort.abort();
    }, request.timeoutMs ?? timeoutMs);
    try {
      const response = await fetch(this.#url(request), {
        method: request.method,
        headers: this.#headers(request, token),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: abort.signal,
        keepalive: request.keepalive ?? false,
      });
      return { response, answer: await readJson(response) };
    } catch (cause) {
      throw abort.signal.aborted
        ? new CallclockError({ code: ClientErrorCode.TIMEOUT, message: 'The server did not answer in time.', cause })
        : new CallclockError({ code: ClientErrorCode.NETWORK, message: 'The server cannot be reached.', cause });
    } finally {
      timers.clearTimeout(deadline);
    }
  }

  #url(request: RestRequest): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const suffix = query.size > 0 ? `?${query}` : '';
    return `${this.#options.baseUrl}${request.path}${suffix}`;
  }

  #headers(request: RestRequest, token: string): Record<string, string> {
    const headers: Record<string, string> = {
      Accept: 'application/json',
      Authorization: `Bearer ${token}`,
      'X-Api-Key': this.#options.apiKey,
    };
    if (request.body !== undefined) headers['Content-Type'] = 'application/json';
    if (request.idempotencyKey !== undefined) headers['Idempotency-Key'] = request.idempotencyKey;
    return headers;
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    return undefined;
  }
}

function problem(response: Response, answer: unknown): CallclockError {
  const isProblem = typeof answer === 'object' && answer !== null && 'code' in answer;
  if (isProblem) return CallclockError.fromProblem(answer as ProblemResponse);
  return new CallclockError({
    code: ClientErrorCode.UNEXPECTED_ANSWER,
    message: `The server answered ${response.status} without a reason.`,
    status: response.status,
  });
}

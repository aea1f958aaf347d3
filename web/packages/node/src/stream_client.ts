import {
  type Fetch,
  RECORD_KEYS_PATH,
  type RecordKeys,
  RestClient,
  ServerClock,
  TokenSource,
  resolveBaseUrl,
  systemTimers,
} from '@callclock/client';
import type {
  Page,
  RoleAnswer,
  RolesAnswer,
  UpsertUsersAnswer,
  UpsertUsersRequest,
  UserAnswer,
  UsersAnswer,
} from './administration.js';
import { TestClock } from './test_clock.js';
import { type UserTokenRequest, serverToken, userToken } from './tokens.js';
import { VideoApi } from './video_api.js';

export interface StreamClientOptions {
  /** Where the server is; by default the environment's `CALLCLOCK_URL`, else `http://127.0.0.1:8000`. */
  baseUrl?: string;
  /** Longest wait for one answer, in milliseconds. */
  timeoutMs?: number;
  fetch?: Fetch;
}

const TIMEOUT_MS = 15_000;

/** The server side of an application: roles, users, call types, calls, and tokens for its users. */
export class StreamClient {
  readonly video: VideoApi;
  /** For tests: moves the clock of a server that was started with `--test-clock`. */
  readonly testClock: TestClock;
  readonly #secret: string;
  readonly #rest: RestClient;

  constructor(apiKey: string, secret: string, options: StreamClientOptions = {}) {
    this.#secret = secret;
    this.#rest = new RestClient({
      baseUrl: resolveBaseUrl(options.baseUrl),
      apiKey,
      tokens: new TokenSource({ token: serverToken(secret) }),
      serverClock: new ServerClock(systemTimers),
      timers: systemTimers,
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      random: Math.random,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    });
    this.video = new VideoApi(this.#rest);
    this.testClock = new TestClock(this.#rest);
  }

  /** Makes a role; one that exists already is a `CallclockError` with the code `already-exists`. */
  createRole(request: { name: string }): Promise<RoleAnswer> {
    return this.#rest.request({ method: 'POST', path: '/v1/roles', body: request });
  }

  listRoles(): Promise<RolesAnswer> {
    return this.#rest.request({ method: 'GET', path: '/v1/roles' });
  }

  deleteRole(name: string): Promise<unknown> {
    return this.#rest.request({ method: 'DELETE', path: `/v1/roles/${encodeURIComponent(name)}` });
  }

  /** Makes users, or changes those fields of existing ones that are given. */
  upsertUsers(request: UpsertUsersRequest): Promise<UpsertUsersAnswer> {
    return this.#rest.request({ method: 'POST', path: '/v1/users', body: request, repeatable: true });
  }

  listUsers(page: Page = {}): Promise<UsersAnswer> {
    return this.#rest.request({ method: 'GET', path: '/v1/users', query: { ...page } });
  }

  getUser(userId: string): Promise<UserAnswer> {
    return this.#rest.request({ method: 'GET', path: `/v1/users/${encodeURIComponent(userId)}` });
  }

  deleteUser(userId: string): Promise<unknown> {
    return this.#rest.request({ method: 'DELETE', path: `/v1/users/${encodeURIComponent(userId)}` });
  }

  /** The public keys of the server's records, for `verifyRecord`. */
  recordKeys(): Promise<RecordKeys> {
    return this.#rest.request({ method: 'GET', path: RECORD_KEYS_PATH, mayBeReplayed: true });
  }

  /** A token for one user's page. Made here, without asking the server. */
  generateUserToken(request: UserTokenRequest): string {
    return userToken(this.#secret, request, systemTimers.wallNow() / 1000);
  }

  /** `generateUserToken` under a shorter name. */
  createToken(request: UserTokenRequest): string {
    return this.generateUserToken(request);
  }
}

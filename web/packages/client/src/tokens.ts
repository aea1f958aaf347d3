import { CallclockError, ClientErrorCode } from './errors.js';

export type TokenProvider = () => Promise<string> | string;

/** A token that expires sooner than this is replaced before it is used. */
const FRESH_FOR_MS = 15_000;

/** Hands out the user's token: a fixed one, or one from a provider, asked again when it has run out. */
export class TokenSource {
  readonly #provider: TokenProvider | undefined;
  #token: string | undefined;
  #pending: Promise<string> | undefined;

  constructor(options: { token?: string | undefined; tokenProvider?: TokenProvider | undefined }) {
    this.#token = options.token;
    this.#provider = options.tokenProvider;
    if (this.#token === undefined && this.#provider === undefined) {
      throw new CallclockError({
        code: ClientErrorCode.INVALID_OPTIONS,
        message: 'Give the client a `token`, or a `tokenProvider` that fetches one from your server.',
      });
    }
  }

  /** Whether an expired token can be replaced. */
  get canRefresh(): boolean {
    return this.#provider !== undefined;
  }

  /** The token to use at `nowMs` of the server's clock. */
  async get(nowMs: number): Promise<string> {
    const token = this.#token;
    if (token !== undefined && (!this.canRefresh || !expiresBefore(token, nowMs + FRESH_FOR_MS))) return token;
    return this.refresh();
  }

  /** Asks the provider for a new token; several askers share one question. */
  async refresh(): Promise<string> {
    if (this.#provider === undefined) return this.#token ?? '';
    this.#pending ??= Promise.resolve(this.#provider()).finally(() => {
      this.#pending = undefined;
    });
    this.#token = await this.#pending;
    return this.#token;
  }
}

function expiresBefore(token: string, ms: number): boolean {
  const expiry = tokenClaims(token)?.exp;
  return typeof expiry === 'number' && expiry * 1000 <= ms;
}

/** The claims inside a JWT, unverified: good for reading an expiry, never for trust. */
export function tokenClaims(token: string): { exp?: unknown; user_id?: unknown } | undefined {
  const body = token.split('.')[1];
  if (body === undefined) return undefined;
  try {
    return JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown };
  } catch {
    return undefined;
  }
}

interface Surroundings {
  CALLCLOCK_URL?: unknown;
  location?: { origin?: string };
  process?: { env?: Record<string, string | undefined> };
}

const LOCAL_SERVER = 'http://127.0.0.1:8000';

/**
 * Where the server is: the option, else `globalThis.CALLCLOCK_URL`, else the environment's `CALLCLOCK_URL`
 * (Node), else the page's own origin (browser), else the address that `callclock serve` has by default.
 */
export function resolveBaseUrl(option?: string): string {
  const surroundings = globalThis as Surroundings;
  const global = surroundings.CALLCLOCK_URL;
  const origin = surroundings.location?.origin;
  const url =
    option ??
    (typeof global === 'string' ? global : undefined) ??
    surroundings.process?.env?.['CALLCLOCK_URL'] ??
    (origin?.startsWith('http') ? origin : undefined) ??
    LOCAL_SERVER;
  return url.replace(/\/+$/, '');
}

/** The address of the event stream for a base URL. */
export function streamUrl(baseUrl: string): string {
  return `${baseUrl.replace(/^http/, 'ws')}/v1/events`;
}

export interface Backoff {
  firstMs: number;
  longestMs: number;
}

export const STREAM_BACKOFF: Backoff = { firstMs: 250, longestMs: 10_000 };
export const REQUEST_BACKOFF: Backoff = { firstMs: 200, longestMs: 2_000 };
export const REJOIN_BACKOFF: Backoff = { firstMs: 300, longestMs: 8_000 };

/**
 * Milliseconds to wait before attempt `attempt` (0 = the first retry): doubles up to the longest, and at
 * random between half and the whole of it, so that a restarted server does not meet everybody at once.
 */
export function backoffMs(backoff: Backoff, attempt: number, random: () => number): number {
  const ceiling = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(attempt, 16));
  return ceiling * (0.5 + 0.5 * random());
}

/** What `setTimeout` gave; only good for `clearTimeout`. */
export type TimerHandle = object | number;

/** The one door to time. Everything that waits or measures takes one of these, so that tests can hold it. */
export interface Timers {
  /** Milliseconds on a clock that no user and no NTP can move. It may stand still while the machine sleeps. */
  monotonicNow(): number;
  /** Milliseconds since 1970 by the machine's own clock. Only good for noticing that the machine slept. */
  wallNow(): number;
  setTimeout(callback: () => void, ms: number): TimerHandle;
  clearTimeout(handle: TimerHandle | undefined): void;
}

export const systemTimers: Timers = {
  monotonicNow: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (handle) => {
    globalThis.clearTimeout(handle as ReturnType<typeof globalThis.setTimeout> | undefined);
  },
};

/** Resolves after `ms`; at once when `signal` aborts. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timers.clearTimeout(handle);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const handle = timers.setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}

import type { TimerHandle, Timers } from '../timers.js';

interface Waiting {
  due: number;
  callback: () => void;
}

/** Long enough for chains of promises to run out between two timers. */
const MICROTASKS = 60;

/**
 * Time that a test moves by hand. True time (the server's) passes with `advance`; the machine's date is off
 * by `wallErrorMs` and can jump; its monotonic clock stands still during `sleep`.
 */
export class ManualTimers implements Timers {
  /** True time, in milliseconds since 1970. */
  trueNow: number;
  wallErrorMs: number;
  #monotonic = 1_000;
  readonly #waiting = new Set<Waiting>();

  constructor(options: { trueNow?: number; wallErrorMs?: number } = {}) {
    this.trueNow = options.trueNow ?? Date.parse('2026-11-23T13:00:00Z');
    this.wallErrorMs = options.wallErrorMs ?? 0;
  }

  monotonicNow(): number {
    return this.#monotonic;
  }

  wallNow(): number {
    return this.trueNow + this.wallErrorMs;
  }

  setTimeout(callback: () => void, ms: number): TimerHandle {
    const waiting = { due: this.#monotonic + Math.max(0, ms), callback };
    this.#waiting.add(waiting);
    return waiting;
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    this.#waiting.delete(handle as Waiting);
  }

  /** How many timeouts are pending. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Lets time pass, running what falls due in its order. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#waiting.delete(next);
      this.#pass(Math.max(0, next.due - this.#monotonic));
      next.callback();
      await settle();
    }
    this.#pass(end - this.#monotonic);
    await settle();
  }

  /** The machine sleeps: true time and its date go on, the monotonic clock and all timeouts stand still. */
  sleep(ms: number): void {
    this.trueNow += ms;
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.trueNow += ms;
  }

  #nextBefore(end: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.due <= end && (next === undefined || waiting.due < next.due)) next = waiting;
    }
    return next;
  }
}

/** Lets promises that are ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < MICROTASKS; turn += 1) await Promise.resolve();
}

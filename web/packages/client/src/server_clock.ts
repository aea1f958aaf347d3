import type { Timers } from './timers.js';

/** Two quartz clocks drift apart by about this much at worst: 100 microseconds a second. */
const DRIFT = 1e-4;
/** The wall clock and the monotonic one may differ by this much between two looks before we suspect sleep. */
const SUSPENSION_MS = 1_500;

interface Bound {
  offsetMs: number;
  at: number;
}

export interface RoundTrip {
  serverTimeMs: number;
  /** When the question left, by the monotonic clock. */
  sentAt: number;
  /** When the answer came, by the monotonic clock. */
  receivedAt: number;
}

/**
 * Knows what time it is on the server.
 *
 * The offset (server time minus our monotonic clock) of one answer lies between `server - received` and
 * `server - sent`; an event, which nobody asked for, gives the lower bound alone. The answers' intervals
 * are intersected, each widened by drift as it ages, and the middle of what remains is the estimate: the
 * fastest round trips decide, in both directions. An answer that contradicts the rest (the machine slept, so
 * its monotonic clock stood still; the server's clock was set) starts the estimate afresh.
 *
 * The machine's own date is used only until the server has spoken once.
 */
export class ServerClock {
  readonly #timers: Timers;
  readonly #unsyncedOffsetMs: number;
  readonly #listeners = new Set<() => void>();
  #low: Bound | undefined;
  #high: Bound | undefined;
  #wallMinusMonotonic: number;

  constructor(timers: Timers) {
    this.#timers = timers;
    this.#unsyncedOffsetMs = timers.wallNow() - timers.monotonicNow();
    this.#wallMinusMonotonic = this.#unsyncedOffsetMs;
  }

  /** Milliseconds since 1970 on the server. */
  now(): number {
    return this.#timers.monotonicNow() + this.#offsetMs();
  }

  get isSynced(): boolean {
    return this.#low !== undefined;
  }

  /** How far the estimate can be off, in milliseconds; infinite until an answer gave both bounds. */
  get uncertaintyMs(): number {
    const at = this.#timers.monotonicNow();
    const [low, high] = [this.#lowAt(at), this.#highAt(at)];
    return low === undefined || high === undefined ? Infinity : Math.max(0, high - low) / 2;
  }

  /** How far the machine's date is ahead of the server's, in milliseconds (negative: behind). */
  get browserClockErrorMs(): number {
    return this.#timers.wallNow() - this.now();
  }

  observeRoundTrip(trip: RoundTrip): void {
    const { serverTimeMs, sentAt, receivedAt } = trip;
    if (!Number.isFinite(serverTimeMs) || receivedAt < sentAt) return;
    const low = { offsetMs: serverTimeMs - receivedAt, at: receivedAt };
    const high = { offsetMs: serverTimeMs - sentAt, at: receivedAt };
    this.#changing(() => {
      this.#raiseLow(low);
      const known = this.#highAt(receivedAt);
      if (known === undefined || high.offsetMs <= known) this.#high = high;
      if (this.#contradictory(receivedAt)) [this.#low, this.#high] = [low, high];
    });
  }

  observeOneWay(message: { serverTimeMs: number; receivedAt: number }): void {
    if (!Number.isFinite(message.serverTimeMs)) return;
    const low = { offsetMs: message.serverTimeMs - message.receivedAt, at: message.receivedAt };
    this.#changing(() => {
      this.#raiseLow(low);
      if (this.#contradictory(message.receivedAt)) [this.#low, this.#high] = [low, undefined];
    });
  }

  /**
   * True once after the machine's date and the monotonic clock parted: it slept, or somebody set the date.
   * Which of the two cannot be told from here, so the estimate stays as it is and the caller asks the server.
   */
  takeSuspicion(): boolean {
    const difference = this.#timers.wallNow() - this.#timers.monotonicNow();
    const suspicious = Math.abs(difference - this.#wallMinusMonotonic) > SUSPENSION_MS;
    this.#wallMinusMonotonic = difference;
    return suspicious;
  }

  /** Calls back when the estimate moved by a millisecond or more. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changing(change: () => void): void {
    const before = this.#offsetMs();
    change();
    if (Math.abs(this.#offsetMs() - before) < 1) return;
    for (const listener of [...this.#listeners]) listener();
  }

  #raiseLow(low: Bound): void {
    const known = this.#lowAt(low.at);
    if (known === undefined || low.offsetMs >= known) this.#low = low;
  }

  #contradictory(at: number): boolean {
    const [low, high] = [this.#lowAt(at), this.#highAt(at)];
    return low !== undefined && high !== undefined && low > high;
  }

  #lowAt(at: number): number | undefined {
    return this.#low && this.#low.offsetMs - DRIFT * (at - this.#low.at);
  }

  #highAt(at: number): number | undefined {
    return this.#high && this.#high.offsetMs + DRIFT * (at - this.#high.at);
  }

  #offsetMs(): number {
    const at = this.#timers.monotonicNow();
    const [low, high] = [this.#lowAt(at), this.#highAt(at)];
    if (low === undefined) return this.#unsyncedOffsetMs;
    return high === undefined ? low : (low + high) / 2;
  }
}

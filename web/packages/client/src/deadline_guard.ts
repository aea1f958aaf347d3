import { type CallState, isAttending, scheduleOf } from './call_state.js';
import { hardEndMs } from './clock_reading.js';
import type { EventStream } from './event_stream.js';
import type { ServerClock } from './server_clock.js';
import type { Store } from './store.js';
import { type Timers, pause } from './timers.js';

export interface DeadlineGuardOptions {
  serverClock: ServerClock;
  store: Store<CallState>;
  stream: EventStream;
  timers: Timers;
  /** Reads the call's state from the server into the store. */
  ask: () => Promise<void>;
  leave: (endsAtMs: number) => void;
}

/** So long before the deadline a page whose event stream is down asks whether it still is the deadline. */
const ASK_BEFORE_MS = 3_000;
/** The server's own word arrives within some milliseconds of the deadline; this is long enough to wait for it. */
const WORD_WITHIN_MS = 300;
const ANSWER_WITHIN_MS = 700;

/**
 * Leaves at the latest deadline that is known here (design section 9), whether or not the server can still tell.
 *
 * With a dead stream an extension may have been missed, so the state is asked for shortly before the
 * deadline; at the deadline the page leaves at once. With a living stream the server gets one second at most
 * to say what it makes of the deadline: an extension in the last moment wins.
 */
export class DeadlineGuard {
  readonly #options: DeadlineGuardOptions;
  #askedForMs: number | undefined;

  constructor(options: DeadlineGuardOptions) {
    this.#options = options;
  }

  async reached(endsAtMs: number): Promise<void> {
    const { stream, timers, leave } = this.#options;
    if (!this.#isDue(endsAtMs)) return;
    if (stream.isOpen) {
      await pause(timers, WORD_WITHIN_MS);
      if (this.#isDue(endsAtMs)) await Promise.race([this.#ask(), pause(timers, ANSWER_WITHIN_MS)]);
    }
    if (this.#isDue(endsAtMs)) leave(endsAtMs);
  }

  /** To be called at each tick of the clock. */
  readonly approach = (): void => {
    const { serverClock, store, stream } = this.#options;
    const endMs = this.#deadline();
    if (endMs === null || endMs - serverClock.now() > ASK_BEFORE_MS) return;
    if (this.#askedForMs === endMs || stream.isOpen || !isAttending(store.getSnapshot())) return;
    this.#askedForMs = endMs;
    void this.#ask();
  };

  async #ask(): Promise<void> {
    try {
      await this.#options.ask();
    } catch {
      // No answer is the case that this class is for: the known deadline stands.
    }
  }

  #isDue(endsAtMs: number): boolean {
    return isAttending(this.#options.store.getSnapshot()) && this.#deadline() === endsAtMs;
  }

  /** The end of overtime where there is one: whoever is paused or past zero stays until then. */
  #deadline(): number | null {
    const schedule = scheduleOf(this.#options.store.getSnapshot());
    return schedule === null ? null : hardEndMs(schedule);
  }
}

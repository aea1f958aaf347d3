import { type CallState, isAttending } from './call_state.js';
import type { EventStream } from './event_stream.js';
import type { SessionClock } from './session_clock.js';
import type { Store } from './store.js';
import { type Timers, pause } from './timers.js';

export interface DeadlineGuardOptions {
  clock: SessionClock;
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
 * Leaves at the deadline that is known here (design section 9), whether or not the server can still tell.
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
    options.clock.timer.subscribe(() => {
      this.#approach();
    });
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

  #approach(): void {
    const { remainingMs, endsAt } = this.#options.clock.timer.getSnapshot();
    if (remainingMs === null || endsAt === null || remainingMs > ASK_BEFORE_MS) return;
    if (this.#askedForMs === endsAt.getTime() || this.#options.stream.isOpen) return;
    if (!isAttending(this.#options.store.getSnapshot())) return;
    this.#askedForMs = endsAt.getTime();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    try {
      await this.#options.ask();
    } catch {
      // No answer is the case that this class is for: the known deadline stands.
    }
  }

  #isDue(endsAtMs: number): boolean {
    const state = this.#options.store.getSnapshot();
    const deadline = state.session?.timer_ends_at;
    return isAttending(state) && typeof deadline === 'string' && Date.parse(deadline) === endsAtMs;
  }
}

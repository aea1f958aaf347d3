import type { SessionClock, SessionTimerAlert } from './session_clock.js';
import { type ReadableStore, Store } from './store.js';
import { ThresholdAlerts } from './threshold_alerts.js';

/** Warnings at thresholds of one's own, beside those of the call's settings; listens while listened to. */
export class CustomAlerts implements ReadableStore<SessionTimerAlert | null> {
  readonly #clock: SessionClock;
  readonly #thresholdsSeconds: readonly number[];
  readonly #alerts = new ThresholdAlerts();
  readonly #store = new Store<SessionTimerAlert | null>(null);
  #listeners = 0;
  #stop: (() => void) | undefined;

  constructor(clock: SessionClock, thresholdsSeconds: readonly number[]) {
    this.#clock = clock;
    this.#thresholdsSeconds = thresholdsSeconds;
  }

  readonly getSnapshot = (): SessionTimerAlert | null => this.#store.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#store.subscribe(listener);
    this.#listeners += 1;
    if (this.#listeners === 1) {
      this.#stop = this.#clock.timer.subscribe(this.#look);
      this.#look();
    }
    return () => {
      unsubscribe();
      this.#listeners -= 1;
      if (this.#listeners === 0) this.#stop?.();
    };
  };

  readonly dismiss = (): void => {
    this.#alerts.dismiss();
    this.#store.set(null);
  };

  readonly #look = (): void => {
    const { state, remainingMs, endsAt } = this.#clock.timer.getSnapshot();
    if (remainingMs === null || endsAt === null || remainingMs === 0 || state === 'ended') {
      this.#store.set(null);
      return;
    }
    const reading = { remainingMs, endsAtMs: endsAt.getTime() };
    const thresholdSeconds = this.#alerts.look(reading, this.#thresholdsSeconds);
    if (thresholdSeconds === (this.#store.getSnapshot()?.thresholdSeconds ?? null)) return;
    this.#store.set(thresholdSeconds === null ? null : { thresholdSeconds, endsAt });
  };
}

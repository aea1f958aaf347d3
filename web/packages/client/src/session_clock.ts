import type { ServerClock } from './server_clock.js';
import { type ReadableStore, Store } from './store.js';
import { ThresholdAlerts } from './threshold_alerts.js';
import type { TimerHandle, Timers } from './timers.js';

/** A tick this near a whole second is shown as that second. */
const TICK_TOLERANCE_MS = 50;
const LAST_MINUTE_SECONDS = 60;

export type SessionTimerState = 'idle' | 'unlimited' | 'calm' | 'warning' | 'critical' | 'ended';

export interface SessionTimerSnapshot {
  /**
   * `idle`: no session yet · `unlimited`: no deadline · `calm`: before the first warning · `warning`: after
   * it · `critical`: after the last one · `ended`: the time has run out, or the session ended earlier.
   */
  readonly state: SessionTimerState;
  /** Time left in milliseconds, by the server's clock; never negative; null without a deadline. */
  readonly remainingMs: number | null;
  /** The deadline on the server's clock; null without one. */
  readonly endsAt: Date | null;
}

export interface SessionTimerAlert {
  /** The warning that was passed, in seconds before the end. */
  readonly thresholdSeconds: number;
  /** The deadline that it belongs to. */
  readonly endsAt: Date;
}

/** What the clock runs on; times in milliseconds since 1970 on the server. */
export interface SessionSchedule {
  startedAtMs: number;
  endsAtMs: number | null;
  endedAtMs: number | null;
  warningSeconds: readonly number[];
}

export interface SessionClockOptions {
  serverClock: ServerClock;
  timers: Timers;
  /** Called once per deadline, when it is reached and the session is not known to have ended. */
  onDeadline?: (endsAtMs: number) => void;
  onTick?: () => void;
}

const IDLE: SessionTimerSnapshot = { state: 'idle', remainingMs: null, endsAt: null };

/**
 * The countdown of one call: ticks on whole seconds of the time left, by the server's clock.
 *
 * One timeout is pending at most, and only while there is something to count. A participant who comes or
 * goes does not touch it: `setSchedule` with the same times does nothing.
 */
export class SessionClock {
  readonly #options: SessionClockOptions;
  readonly #timer = new Store<SessionTimerSnapshot>(IDLE);
  readonly #alert = new Store<SessionTimerAlert | null>(null);
  readonly #alerts = new ThresholdAlerts();
  readonly #unsubscribe: () => void;
  #schedule: SessionSchedule | null = null;
  #timeout: TimerHandle | undefined;
  #deadlineToldMs: number | undefined;

  constructor(options: SessionClockOptions) {
    this.#options = options;
    this.#unsubscribe = options.serverClock.subscribe(() => {
      this.#refresh();
    });
  }

  get timer(): ReadableStore<SessionTimerSnapshot> {
    return this.#timer;
  }

  /** The warning that is up now, or null. Changes once per threshold and deadline. */
  get alert(): ReadableStore<SessionTimerAlert | null> {
    return this.#alert;
  }

  setSchedule(schedule: SessionSchedule | null): void {
    if (sameSchedule(schedule, this.#schedule)) return;
    if (schedule?.startedAtMs !== this.#schedule?.startedAtMs) this.#alerts.reset();
    this.#schedule = schedule;
    this.#refresh();
  }

  /** Takes the warning down until the next threshold or an extension. */
  readonly dismissAlert = (): void => {
    this.#alerts.dismiss();
    this.#alert.set(null);
  };

  /** Counts again from the server's time as it is known now. */
  readonly refresh = (): void => {
    this.#refresh();
  };

  dispose(): void {
    this.#unsubscribe();
    this.#cancelTimeout();
  }

  #refresh(): void {
    this.#cancelTimeout();
    const schedule = this.#schedule;
    if (schedule === null) this.#show(IDLE, null);
    else if (schedule.endedAtMs !== null) this.#showEnded(schedule);
    else if (schedule.endsAtMs === null) this.#show({ ...IDLE, state: 'unlimited' }, null);
    else this.#count(schedule, schedule.endsAtMs);
  }

  #count(schedule: SessionSchedule, endsAtMs: number): void {
    const left = endsAtMs - this.#options.serverClock.now();
    if (left <= 0) {
      this.#showEnded(schedule);
      this.#tellDeadline(endsAtMs);
      return;
    }
    const threshold = this.#alerts.look({ remainingMs: left, endsAtMs }, schedule.warningSeconds);
    const state = timerState(left, schedule.warningSeconds);
    this.#timeout = this.#options.timers.setTimeout(() => {
      this.#options.onTick?.();
      this.#refresh();
    }, untilNextTick(left));
    this.#show({ state, remainingMs: onWholeSecond(left), endsAt: new Date(endsAtMs) }, threshold);
  }

  #tellDeadline(endsAtMs: number): void {
    if (this.#deadlineToldMs === endsAtMs) return;
    this.#deadlineToldMs = endsAtMs;
    this.#options.onDeadline?.(endsAtMs);
  }

  #showEnded(schedule: SessionSchedule): void {
    const endsAt = schedule.endsAtMs === null ? null : new Date(schedule.endsAtMs);
    this.#show({ state: 'ended', remainingMs: endsAt && 0, endsAt }, null);
  }

  #show(next: SessionTimerSnapshot, threshold: number | null): void {
    const alert = this.#alert.getSnapshot();
    if (threshold === null || next.endsAt === null) this.#alert.set(null);
    else if (alert?.thresholdSeconds !== threshold) {
      this.#alert.set({ thresholdSeconds: threshold, endsAt: next.endsAt });
    }
    if (!sameSnapshot(next, this.#timer.getSnapshot())) this.#timer.set(next);
  }

  #cancelTimeout(): void {
    if (this.#timeout !== undefined) this.#options.timers.clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}

/** `calm` before the first warning, `critical` in the last minute or after the last of several warnings. */
export function timerState(remainingMs: number, warningSeconds: readonly number[]): SessionTimerState {
  const last = Math.min(...warningSeconds);
  const criticalSeconds = warningSeconds.length > 1 ? last : Math.min(last, LAST_MINUTE_SECONDS);
  if (warningSeconds.length > 0 && remainingMs <= criticalSeconds * 1000) return 'critical';
  return warningSeconds.some((seconds) => remainingMs <= seconds * 1000) ? 'warning' : 'calm';
}

/** Milliseconds to the next whole second of the time left; half a millisecond later, never earlier. */
function untilNextTick(leftMs: number): number {
  const fraction = leftMs % 1000;
  const next = fraction < TICK_TOLERANCE_MS && leftMs > 1000 ? fraction + 1000 : fraction;
  return next + 0.5;
}

function onWholeSecond(ms: number): number {
  const whole = Math.round(ms / 1000) * 1000;
  return Math.abs(whole - ms) <= TICK_TOLERANCE_MS ? whole : ms;
}

function sameSchedule(a: SessionSchedule | null, b: SessionSchedule | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.startedAtMs === b.startedAtMs &&
    a.endsAtMs === b.endsAtMs &&
    a.endedAtMs === b.endedAtMs &&
    a.warningSeconds.join() === b.warningSeconds.join()
  );
}

function sameSnapshot(a: SessionTimerSnapshot, b: SessionTimerSnapshot): boolean {
  return (
    a.state === b.state && a.remainingMs === b.remainingMs && a.endsAt?.getTime() === b.endsAt?.getTime()
  );
}

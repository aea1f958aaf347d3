import { IDLE_CLOCK, type SessionClockSnapshot, type SessionSchedule, hardEndMs, readClock } from './clock_reading.js';
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
  /**
   * Time left in milliseconds, by the server's clock; never negative; null without a deadline. It stands still
   * while the clock waits or is paused, and is 0 in overtime.
   */
  readonly remainingMs: number | null;
  /** The deadline on the server's clock; null without one. While paused, the latest one that is possible. */
  readonly endsAt: Date | null;
}

export interface SessionTimerAlert {
  /** The warning that was passed, in seconds before the end. */
  readonly thresholdSeconds: number;
  /** The deadline that it belongs to. */
  readonly endsAt: Date;
}

export interface SessionClockOptions {
  serverClock: ServerClock;
  timers: Timers;
  /** Called once per deadline, when it is reached and the session is not known to have ended. */
  onDeadline?: (endsAtMs: number) => void;
  /** Called after each look at the clock. */
  onReading?: (reading: SessionClockSnapshot) => void;
  onTick?: () => void;
}

const IDLE: SessionTimerSnapshot = { state: 'idle', remainingMs: null, endsAt: null };

/**
 * The clock of one call: ticks on whole seconds of what it shows, by the server's clock.
 *
 * One timeout is pending at most, and only while there is something to count. A participant who comes or
 * goes does not touch it: `setSchedule` with the same times does nothing. Without a limit nothing but the time
 * that has passed moves, so it ticks only while somebody listens to `session`.
 */
export class SessionClock {
  readonly #options: SessionClockOptions;
  readonly #timer = new Store<SessionTimerSnapshot>(IDLE);
  readonly #session = new Store<SessionClockSnapshot>(IDLE_CLOCK);
  readonly #alert = new Store<SessionTimerAlert | null>(null);
  readonly #alerts = new ThresholdAlerts();
  readonly #unsubscribe: () => void;
  readonly #readable: ReadableStore<SessionClockSnapshot>;
  #schedule: SessionSchedule | null = null;
  #timeout: TimerHandle | undefined;
  #deadlineToldMs: number | undefined;

  constructor(options: SessionClockOptions) {
    this.#options = options;
    this.#unsubscribe = options.serverClock.subscribe(() => {
      this.#refresh();
    });
    this.#readable = {
      getSnapshot: this.#session.getSnapshot,
      subscribe: (listener) => {
        const unsubscribe = this.#session.subscribe(listener);
        if (this.#timeout === undefined) this.#refresh();
        return unsubscribe;
      },
    };
  }

  /** The countdown alone. */
  get timer(): ReadableStore<SessionTimerSnapshot> {
    return this.#timer;
  }

  /** The whole clock: waiting, running, paused, in overtime, and for how long each. */
  get session(): ReadableStore<SessionClockSnapshot> {
    return this.#readable;
  }

  /** The warning that is up now, or null. Changes once per threshold and deadline. */
  get alert(): ReadableStore<SessionTimerAlert | null> {
    return this.#alert;
  }

  setSchedule(schedule: SessionSchedule | null): void {
    if (JSON.stringify(schedule) === JSON.stringify(this.#schedule)) return;
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
    const now = this.#options.serverClock.now();
    const reading = readClock(this.#schedule, now);
    this.#planTick(reading, now);
    this.#show(reading);
    if (reading.state === 'ended' && this.#schedule?.endedAtMs === null) this.#tellDeadline(this.#schedule);
    this.#options.onReading?.(reading);
  }

  #planTick(reading: SessionClockSnapshot, now: number): void {
    const moves = reading.remainingMs !== null || this.#session.hasListeners;
    const tickMs = moves ? untilNextTick(reading) : null;
    if (tickMs === null) return;
    const edges = [reading.pauseEndsAt, reading.hardEndsAt].map((edge) => (edge?.getTime() ?? NaN) - now);
    const waitMs = Math.min(tickMs, ...edges.filter((ms) => ms > 0));
    // Half a millisecond later, never earlier.
    this.#timeout = this.#options.timers.setTimeout(() => {
      this.#options.onTick?.();
      this.#refresh();
    }, waitMs + 0.5);
  }

  #tellDeadline(schedule: SessionSchedule): void {
    const endMs = hardEndMs(schedule);
    if (endMs === null || this.#deadlineToldMs === endMs) return;
    this.#deadlineToldMs = endMs;
    this.#options.onDeadline?.(endMs);
  }

  #show(reading: SessionClockSnapshot): void {
    const warningSeconds = this.#schedule?.warningSeconds ?? [];
    this.#showAlert(reading, warningSeconds);
    const timer = timerOf(reading, warningSeconds);
    if (!isSame(timer, this.#timer.getSnapshot())) this.#timer.set(timer);
    const session = onWholeSeconds(reading);
    if (!isSame(session, this.#session.getSnapshot())) this.#session.set(session);
  }

  #showAlert({ state, remainingMs, endsAt }: SessionClockSnapshot, warningSeconds: readonly number[]): void {
    const isCounting = (state === 'running' || state === 'paused') && remainingMs !== null && endsAt !== null;
    if (!isCounting) {
      this.#alert.set(null);
      return;
    }
    const thresholdSeconds = this.#alerts.look({ remainingMs, endsAtMs: endsAt.getTime() }, warningSeconds);
    if (thresholdSeconds === (this.#alert.getSnapshot()?.thresholdSeconds ?? null)) return;
    this.#alert.set(thresholdSeconds === null ? null : { thresholdSeconds, endsAt });
  }

  #cancelTimeout(): void {
    if (this.#timeout !== undefined) this.#options.timers.clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}

/** The countdown that a page shows which knows of nothing but a countdown. */
function timerOf(reading: SessionClockSnapshot, warningSeconds: readonly number[]): SessionTimerSnapshot {
  const { state, remainingMs, endsAt } = reading;
  if (state === 'idle') return IDLE;
  if (state === 'ended') return { state, remainingMs: endsAt && 0, endsAt };
  if (remainingMs === null) return { ...IDLE, state: 'unlimited' };
  if (state === 'overtime') return { state: 'critical', remainingMs: 0, endsAt };
  return { state: timerState(remainingMs, warningSeconds), remainingMs: onWholeSecond(remainingMs), endsAt };
}

/** `calm` before the first warning, `critical` in the last minute or after the last of several warnings. */
export function timerState(remainingMs: number, warningSeconds: readonly number[]): SessionTimerState {
  const last = Math.min(...warningSeconds);
  const criticalSeconds = warningSeconds.length > 1 ? last : Math.min(last, LAST_MINUTE_SECONDS);
  if (warningSeconds.length > 0 && remainingMs <= criticalSeconds * 1000) return 'critical';
  return warningSeconds.some((seconds) => remainingMs <= seconds * 1000) ? 'warning' : 'calm';
}

/** Milliseconds to the next whole second of what moves; null when nothing does. */
function untilNextTick({ state, remainingMs, elapsedMs, pausedMs, overtimeMs }: SessionClockSnapshot): number | null {
  if (state === 'paused') return untilCountedUp(pausedMs);
  if (state === 'overtime') return untilCountedUp(overtimeMs);
  if (state !== 'running') return null;
  return remainingMs === null ? untilCountedUp(elapsedMs) : untilCountedDown(remainingMs);
}

function untilCountedDown(leftMs: number): number {
  const fraction = leftMs % 1000;
  return fraction < TICK_TOLERANCE_MS && leftMs > 1000 ? fraction + 1000 : fraction;
}

function untilCountedUp(ms: number): number {
  const rest = 1000 - (ms % 1000);
  return rest < TICK_TOLERANCE_MS ? rest + 1000 : rest;
}

function onWholeSeconds(reading: SessionClockSnapshot): SessionClockSnapshot {
  const { remainingMs, elapsedMs, pausedMs, overtimeMs } = reading;
  return {
    ...reading,
    remainingMs: remainingMs === null ? null : onWholeSecond(remainingMs),
    elapsedMs: onWholeSecond(elapsedMs),
    pausedMs: onWholeSecond(pausedMs),
    overtimeMs: onWholeSecond(overtimeMs),
  };
}

function onWholeSecond(ms: number): number {
  const whole = Math.round(ms / 1000) * 1000;
  return Math.abs(whole - ms) <= TICK_TOLERANCE_MS ? whole : ms;
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

import { FREE_EXTENSION } from '../clock_reading.js';
import type {
  ClockResponse,
  ExtensionState,
  LimitsSettings,
  OfferResponse,
  PausedReason,
  RequestResponse,
  WaitingFor,
} from '../wire.js';

/** The clock of a fake call's session: moved by the test, and by itself as far as time alone decides. */
export class FakeClock {
  readonly #limits: () => LimitsSettings;
  readonly #now: () => number;
  waitingFor: WaitingFor | null = null;
  extension: Partial<ExtensionState> = {};
  offer: OfferResponse | null = null;
  requests: RequestResponse[] = [];
  live = true;
  #startedMs: number | null = null;
  #pausedBeforeMs = 0;
  #pause: { sinceMs: number; reason: PausedReason } | null = null;

  constructor(limits: () => LimitsSettings, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** A session begins; the clock does not run yet. */
  begin(isBackstage: boolean): void {
    this.live = !isBackstage;
    this.#startedMs = null;
    this.#pausedBeforeMs = 0;
    this.#pause = null;
  }

  start(): void {
    this.#startedMs ??= this.#now();
    this.waitingFor = null;
  }

  pause(reason: PausedReason, sinceMs = this.#now()): void {
    this.#pause = { sinceMs, reason };
  }

  resume(): void {
    if (this.#pause !== null) this.#pausedBeforeMs += this.#now() - this.#pause.sinceMs;
    this.#pause = null;
  }

  /** Zero; while paused, the latest that it can be. */
  get endsAtMs(): number | undefined {
    const total = this.#limits().max_duration_seconds;
    if (this.#startedMs === null || total === null) return undefined;
    const pauseMs = this.#pause === null ? 0 : (this.#pauseEndsMs ?? 0) - this.#pause.sinceMs;
    return this.#startedMs + total * 1000 + this.#pausedBeforeMs + pauseMs;
  }

  /** The end of the call; undefined while nothing ends it. */
  get hardEndMs(): number | undefined {
    return this.endsAtMs === undefined ? undefined : this.endsAtMs + this.#limits().overtime_seconds * 1000;
  }

  view(waitingCount: number): ClockResponse {
    const { max_duration_seconds: total, overtime_seconds: overtime, extension } = this.#limits();
    const [now, ends] = [this.#now(), this.endsAtMs];
    const isOvertime = ends !== undefined && now >= ends && overtime > 0;
    const elapsedMs = this.#elapsedMs(now, ends);
    const pausedMs = this.#pausedBeforeMs + (this.#pause === null ? 0 : now - this.#pause.sinceMs);
    return {
      state: this.#startedMs === null ? 'waiting' : this.#pause !== null ? 'paused' : isOvertime ? 'overtime' : 'running',
      waiting_for: this.#startedMs === null ? this.waitingFor : null,
      started_running_at: time(this.#startedMs),
      elapsed_seconds: elapsedMs / 1000,
      remaining_seconds: total === null ? null : Math.max(0, total - elapsedMs / 1000),
      paused_seconds: pausedMs / 1000,
      paused_since: time(this.#pause?.sinceMs ?? null),
      paused_reason: this.#pause?.reason ?? null,
      pause_ends_at: time(this.#pauseEndsMs ?? null),
      overtime_since: isOvertime ? time(ends) : null,
      overtime_seconds: isOvertime ? (now - ends) / 1000 : 0,
      overtime_ends_at: overtime > 0 ? time(this.hardEndMs ?? null) : null,
      wall_ends_at: null,
      passed_warning_seconds: null,
      live: this.live,
      waiting_count: waitingCount,
      extension: { ...FREE_EXTENSION, consent_roles: extension.consent_roles, ...this.extension },
      offer: this.offer,
      requests: this.requests,
    };
  }

  get #pauseEndsMs(): number | undefined {
    if (this.#pause === null) return undefined;
    return this.#pause.sinceMs + this.#limits().max_pause_seconds * 1000 - this.#pausedBeforeMs;
  }

  #elapsedMs(now: number, ends: number | undefined): number {
    if (this.#startedMs === null) return 0;
    const until = this.#pause?.sinceMs ?? Math.min(now, ends ?? now);
    return until - this.#startedMs - this.#pausedBeforeMs;
  }
}

function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

import type { ClockResponse, ExtensionState, PausedReason, SessionResponse, WaitingFor } from './wire.js';

/** Extensions where no rule bounds them. */
export const FREE_EXTENSION: ExtensionState = {
  allowed: true,
  reason: null,
  steps_seconds: null,
  count_left: null,
  seconds_left: null,
  cooldown_until: null,
  consent_roles: [],
  free_until: null,
  free_seconds: null,
};

/** What the server last said of a session's clock, as far as it does not change by itself; in milliseconds. */
export interface ClockAnchors {
  readonly state: ClockResponse['state'];
  /** When the clock started; null while it waits. */
  readonly startedRunningAtMs: number | null;
  /** Running time; only where it stands still. */
  readonly elapsedMs: number;
  /** Time left; only where it stands still. */
  readonly remainingMs: number | null;
  /** Pauses and overtime that are over. */
  readonly pausedMs: number;
  readonly overtimeMs: number;
  readonly pausedSinceMs: number | null;
  readonly pauseEndsAtMs: number | null;
  readonly overtimeSinceMs: number | null;
  readonly overtimeEndsAtMs: number | null;
  readonly pausedReason: PausedReason | null;
  readonly waitingFor: WaitingFor | null;
}

/** What the clock runs on; times in milliseconds since 1970 on the server. */
export interface SessionSchedule {
  startedAtMs: number;
  /** When the time left is used up; while paused, the latest moment at which it can be. */
  endsAtMs: number | null;
  endedAtMs: number | null;
  warningSeconds: readonly number[];
  /** Absent: a clock that runs from `startedAtMs`. */
  anchors?: ClockAnchors;
}

export interface SessionClockSnapshot {
  /** `idle`: no session yet · `waiting`: the clock has not started · `overtime`: after zero, counting up. */
  readonly state: 'idle' | 'waiting' | 'running' | 'paused' | 'overtime' | 'ended';
  /** Time left; stands still while waiting and paused, 0 in overtime, null without a limit. */
  readonly remainingMs: number | null;
  /** Running time so far, without waiting, pauses and overtime. */
  readonly elapsedMs: number;
  /** All pauses so far. */
  readonly pausedMs: number;
  readonly overtimeMs: number;
  /** When the time left is used up; while paused, the latest moment at which it can be; null while waiting. */
  readonly endsAt: Date | null;
  /** The end that nothing but an extension moves: that of overtime, or `endsAt` where there is none. */
  readonly hardEndsAt: Date | null;
  /** When the clock started. */
  readonly startedAt: Date | null;
  readonly pausedSince: Date | null;
  readonly pausedReason: PausedReason | null;
  /** When the clock goes on by itself at the latest. */
  readonly pauseEndsAt: Date | null;
  readonly waitingFor: WaitingFor | null;
}

export const IDLE_CLOCK: SessionClockSnapshot = {
  state: 'idle',
  remainingMs: null,
  elapsedMs: 0,
  pausedMs: 0,
  overtimeMs: 0,
  endsAt: null,
  hardEndsAt: null,
  startedAt: null,
  pausedSince: null,
  pausedReason: null,
  pauseEndsAt: null,
  waitingFor: null,
};

/** What a server with older rules leaves out: a clock that runs from the start, and that everybody may extend. */
const PLAIN_CLOCK: Omit<ClockResponse, 'state' | 'elapsed_seconds' | 'remaining_seconds'> = {
  waiting_for: null,
  started_running_at: null,
  paused_seconds: 0,
  paused_since: null,
  paused_reason: null,
  pause_ends_at: null,
  overtime_since: null,
  overtime_seconds: 0,
  overtime_ends_at: null,
  wall_ends_at: null,
  passed_warning_seconds: null,
  live: true,
  waiting_count: 0,
  extension: FREE_EXTENSION,
  offer: null,
  requests: [],
};

/** The session with a whole clock, also from a node that has not been updated yet. */
export function withWholeClock(session: SessionResponse): SessionResponse {
  return 'extension' in session.clock ? session : { ...session, clock: { ...PLAIN_CLOCK, ...(session.clock as ClockResponse) } };
}

/** What can be computed from at any later moment: the parts of the answer that do not move. */
export function anchorsOf({ clock, started_at }: SessionResponse): ClockAnchors {
  const standsStill = clock.state !== 'running' && clock.state !== 'overtime';
  const startedAt = clock.state === 'waiting' ? null : (clock.started_running_at ?? started_at);
  return {
    state: clock.state,
    startedRunningAtMs: moment(startedAt),
    elapsedMs: standsStill ? milliseconds(clock.elapsed_seconds) : 0,
    remainingMs: standsStill && clock.remaining_seconds !== null ? milliseconds(clock.remaining_seconds) : null,
    pausedMs: clock.state === 'paused' ? 0 : milliseconds(clock.paused_seconds),
    overtimeMs: clock.state === 'overtime' ? 0 : milliseconds(clock.overtime_seconds),
    pausedSinceMs: moment(clock.paused_since),
    pauseEndsAtMs: moment(clock.pause_ends_at),
    overtimeSinceMs: moment(clock.overtime_since),
    overtimeEndsAtMs: moment(clock.overtime_ends_at),
    pausedReason: clock.paused_reason,
    waitingFor: clock.waiting_for,
  };
}

/** The moment at which the session is over for certain as far as is known; null while nothing ends it. */
export function hardEndMs({ endsAtMs, anchors }: SessionSchedule): number | null {
  return endsAtMs === null ? null : Math.max(endsAtMs, anchors?.overtimeEndsAtMs ?? endsAtMs);
}

/**
 * The clock at `nowMs`. What the server would decide by itself is decided here as well, so that a page that
 * has lost the server still goes from pause to running, from zero to overtime, and to its end.
 */
export function readClock(schedule: SessionSchedule | null, nowMs: number): SessionClockSnapshot {
  if (schedule === null) return IDLE_CLOCK;
  const anchors = schedule.anchors ?? plainAnchors(schedule.startedAtMs);
  const base = { ...IDLE_CLOCK, startedAt: date(anchors.startedRunningAtMs), ...ends(schedule) };
  if (schedule.endedAtMs !== null || anchors.state === 'ended') return ended(base, schedule, anchors);
  if (anchors.startedRunningAtMs === null) {
    return { ...base, state: 'waiting', remainingMs: anchors.remainingMs, waitingFor: anchors.waitingFor };
  }
  const hardEnd = hardEndMs(schedule);
  const isOver = hardEnd !== null && nowMs >= hardEnd;
  const reading = moving(base, schedule, anchors, isOver ? hardEnd : nowMs);
  return isOver ? { ...reading, state: 'ended', remainingMs: 0, pausedReason: null } : reading;
}

function moving(
  base: SessionClockSnapshot,
  { endsAtMs }: SessionSchedule,
  anchors: ClockAnchors,
  nowMs: number,
): SessionClockSnapshot {
  const sinceStart = Math.max(0, nowMs - (anchors.startedRunningAtMs ?? nowMs));
  if (anchors.state === 'paused' && nowMs < (anchors.pauseEndsAtMs ?? Infinity)) {
    return {
      ...base,
      state: 'paused',
      remainingMs: anchors.remainingMs,
      elapsedMs: anchors.elapsedMs,
      pausedMs: Math.max(0, sinceStart - anchors.elapsedMs - anchors.overtimeMs),
      overtimeMs: anchors.overtimeMs,
      pausedSince: date(anchors.pausedSinceMs),
      pausedReason: anchors.pausedReason,
      pauseEndsAt: date(anchors.pauseEndsAtMs),
    };
  }
  const pausedMs = anchors.state === 'paused' ? pauseUsedUp(anchors) : anchors.pausedMs;
  const overtimeSince = anchors.overtimeSinceMs ?? endsAtMs;
  const isOvertime = overtimeSince !== null && nowMs >= overtimeSince;
  const overtimeMs = anchors.overtimeMs + (isOvertime ? nowMs - overtimeSince : 0);
  return {
    ...base,
    state: isOvertime ? 'overtime' : 'running',
    remainingMs: endsAtMs === null ? null : Math.max(0, endsAtMs - nowMs),
    elapsedMs: Math.max(0, sinceStart - pausedMs - overtimeMs),
    pausedMs,
    overtimeMs,
  };
}

function ended(base: SessionClockSnapshot, schedule: SessionSchedule, anchors: ClockAnchors): SessionClockSnapshot {
  const remainingMs = schedule.endsAtMs === null ? null : 0;
  const { elapsedMs, pausedMs, overtimeMs } = anchors;
  return { ...base, state: 'ended', remainingMs, elapsedMs, pausedMs, overtimeMs };
}

/** All pauses, when the present one lasts until no more pausing is allowed. */
function pauseUsedUp({ pauseEndsAtMs, startedRunningAtMs, elapsedMs, overtimeMs }: ClockAnchors): number {
  return Math.max(0, (pauseEndsAtMs ?? 0) - (startedRunningAtMs ?? 0) - elapsedMs - overtimeMs);
}

function plainAnchors(startedRunningAtMs: number): ClockAnchors {
  return {
    state: 'running',
    startedRunningAtMs,
    elapsedMs: 0,
    remainingMs: null,
    pausedMs: 0,
    overtimeMs: 0,
    pausedSinceMs: null,
    pauseEndsAtMs: null,
    overtimeSinceMs: null,
    overtimeEndsAtMs: null,
    pausedReason: null,
    waitingFor: null,
  };
}

function ends(schedule: SessionSchedule): Pick<SessionClockSnapshot, 'endsAt' | 'hardEndsAt'> {
  return { endsAt: date(schedule.endsAtMs), hardEndsAt: date(hardEndMs(schedule)) };
}

function date(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

function moment(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

import type { ChangeResponse, SessionClockSnapshot } from '@callclock/client';

export interface TimelineSegment {
  id: string;
  seconds: number;
  startPercent: number;
  widthPercent: number;
}

export interface Timeline {
  usedPercent: number;
  /** Time that was added; what a later change took away again is cut off. */
  added: TimelineSegment[];
  /** Where the clock stood still. */
  paused: TimelineSegment[];
  /** What comes after zero; undefined without overtime. */
  overtime: { startPercent: number; widthPercent: number } | undefined;
  warnings: { seconds: number; startPercent: number }[];
}

interface Pause {
  id: string;
  /** Where the clock stood, in milliseconds of running time. */
  atMs: number;
  lengthMs: number;
}

export interface TimelineSource {
  clock: SessionClockSnapshot;
  changes: readonly ChangeResponse[];
  /** The session's total, in seconds. */
  totalSeconds: number;
  warningSeconds: readonly number[];
}

/** The session laid out from its start to its last possible end, in per cent; undefined without a length. */
export function timelineOf({ clock, changes, totalSeconds, warningSeconds }: TimelineSource): Timeline | undefined {
  const { elapsedMs, pausedMs, overtimeMs, remainingMs } = clock;
  if (remainingMs === null) return undefined;
  const plannedMs = clock.state === 'ended' ? elapsedMs : elapsedMs + remainingMs;
  const zeroMs = (clock.state === 'ended' ? Math.max(plannedMs, totalSeconds * 1000) : plannedMs) + pausedMs;
  const allowedMs = (clock.hardEndsAt?.getTime() ?? 0) - (clock.endsAt?.getTime() ?? 0);
  const reserveMs = clock.state === 'ended' ? overtimeMs : Math.max(overtimeMs, allowedMs);
  const lengthMs = zeroMs + reserveMs;
  if (lengthMs <= 0) return undefined;
  const percent = (ms: number) => (ms / lengthMs) * 100;
  const pauses = pausesOf(changes, clock);
  const segment = (id: string, fromMs: number, untilMs: number, seconds: number) => ({
    id,
    seconds,
    startPercent: percent(fromMs),
    widthPercent: percent(untilMs - fromMs),
  });
  return {
    usedPercent: percent(elapsedMs + pausedMs + overtimeMs),
    added: additionsOf(changes, totalSeconds).map(({ id, fromMs, untilMs, seconds }) =>
      segment(id, withPauses(fromMs, pauses), withPauses(untilMs, pauses), seconds),
    ),
    paused: pauses.map(({ id, atMs, lengthMs: ms }) => {
      const fromMs = withPauses(atMs, pauses.filter((other) => other.atMs < atMs));
      return segment(id, fromMs, fromMs + ms, ms / 1000);
    }),
    overtime: reserveMs > 0 ? { startPercent: percent(zeroMs), widthPercent: percent(reserveMs) } : undefined,
    warnings: warningSeconds
      .filter((seconds) => seconds * 1000 < zeroMs)
      .map((seconds) => ({ seconds, startPercent: percent(zeroMs - seconds * 1000) })),
  };
}

/** Additions in running time: each lies where the total ended before it. */
function additionsOf(changes: readonly ChangeResponse[], totalSeconds: number) {
  const rows = changes.filter(({ how }) => how === 'extend' || how === 'set' || how === 'remove');
  // A limit that was taken away or given anew: what was added before means nothing any more.
  const since = rows.findLastIndex((row) => row.old_ends_at === null || row.new_ends_at === null) + 1;
  const counting = rows.slice(since);
  let total = totalSeconds - counting.reduce((sum, { seconds }) => sum + seconds, 0);
  return counting.flatMap(({ id, seconds }) => {
    const [from, until] = [total, Math.min(total + seconds, totalSeconds)];
    total += seconds;
    return seconds > 0 && from < until ? [{ id, seconds, fromMs: from * 1000, untilMs: until * 1000 }] : [];
  });
}

function pausesOf(changes: readonly ChangeResponse[], clock: SessionClockSnapshot): Pause[] {
  const startMs = clock.startedAt?.getTime();
  if (startMs === undefined) return [];
  const pauses: Pause[] = [];
  let pausedMs = 0;
  let open: ChangeResponse | undefined;
  for (const change of changes) {
    if (change.how === 'pause') open = change;
    if (change.how !== 'resume' || open === undefined) continue;
    const [fromMs, untilMs] = [Date.parse(open.at), Date.parse(change.at)];
    pauses.push({ id: open.id, atMs: fromMs - startMs - pausedMs, lengthMs: untilMs - fromMs });
    pausedMs += untilMs - fromMs;
    open = undefined;
  }
  const nowPaused = clock.pausedMs - pausedMs;
  if (clock.pausedSince !== null && nowPaused > 0) {
    pauses.push({ id: 'now', atMs: clock.elapsedMs, lengthMs: nowPaused });
  }
  return pauses;
}

/** Where a moment of running time lies among the pauses. */
function withPauses(runningMs: number, pauses: readonly Pause[]): number {
  return pauses.filter(({ atMs }) => atMs < runningMs).reduce((sum, { lengthMs }) => sum + lengthMs, runningMs);
}

import { describe, expect, test } from 'vitest';
import { ServerClock, SessionClock, type SessionSchedule } from '../src/index.js';
import { ManualTimers } from '../src/testing/index.js';
import { MINUTE, attending, truth } from './attending.js';

const QUARTER = 15 * MINUTE;

function running(seconds: number | null, warningSeconds = [300, 60]) {
  const timers = new ManualTimers();
  const deadlines: number[] = [];
  const clock = new SessionClock({
    serverClock: new ServerClock(timers),
    timers,
    onDeadline: (endsAtMs) => deadlines.push(endsAtMs),
  });
  const startedAtMs = timers.trueNow;
  const schedule: SessionSchedule = {
    startedAtMs,
    endsAtMs: seconds === null ? null : startedAtMs + seconds * 1000,
    endedAtMs: null,
    warningSeconds,
  };
  clock.setSchedule(schedule);
  return { timers, clock, schedule, deadlines, shown: () => clock.timer.getSnapshot() };
}

describe('countdown', () => {
  test.each([
    ['15 minutes fast', QUARTER, 0],
    ['15 minutes slow', -QUARTER, 0],
    ['right, then jumping 15 minutes ahead', 0, QUARTER],
    ['15 minutes fast, then jumping 30 minutes back', QUARTER, -2 * QUARTER],
  ])('is within 100 ms of the server with a browser clock %s', async (_, wallErrorMs, jumpMs) => {
    const latencyMs = { up: 90, down: 30 };
    const { server, call, timers, remaining } = await attending(60, { wallErrorMs, latencyMs });
    const errors: number[] = [];
    call.clock.timer.subscribe(() => errors.push(Math.abs((remaining() ?? NaN) - truth(server))));
    await timers.advance(MINUTE);
    timers.wallErrorMs += jumpMs;
    await timers.advance(MINUTE);
    expect(errors.length).toBeGreaterThanOrEqual(119);
    expect(Math.max(...errors)).toBeLessThan(100);
  });

  test('ticks once a second, on whole seconds, beginning at once', async () => {
    const { timers, clock, shown } = running(3600);
    expect(shown().remainingMs).toBe(3_600_000);
    const seen: (number | null)[] = [];
    clock.timer.subscribe(() => seen.push(shown().remainingMs));
    await timers.advance(3_100);
    expect(seen).toEqual([3_599_000, 3_598_000, 3_597_000]);
  });

  test('is never negative and stops at zero', async () => {
    const { timers, shown, deadlines, schedule } = running(2);
    await timers.advance(10_000);
    expect(shown()).toMatchObject({ state: 'ended', remainingMs: 0 });
    expect(timers.pending).toBe(0);
    expect(deadlines).toEqual([schedule.endsAtMs]);
  });

  test('says so when there is no limit, without a number and without a timer', () => {
    const { shown, timers } = running(null);
    expect(shown()).toEqual({ state: 'unlimited', remainingMs: null, endsAt: null });
    expect(timers.pending).toBe(0);
  });

  test('is quiet until the first warning, then amber, then red', async () => {
    const { timers, shown } = running(310);
    expect(shown().state).toBe('calm');
    await timers.advance(10_001);
    expect(shown().state).toBe('warning');
    await timers.advance(240_000);
    expect(shown().state).toBe('critical');
  });

  test('follows an extension made after zero was reached', async () => {
    const { timers, clock, schedule, shown, deadlines } = running(2);
    await timers.advance(2_100);
    clock.setSchedule({ ...schedule, endsAtMs: (schedule.endsAtMs ?? 0) + 60_000 });
    expect(shown().state).toBe('critical');
    await timers.advance(60_000);
    expect(deadlines).toHaveLength(2);
  });

  test('is right again after the machine has slept', async () => {
    const { server, timers, remaining } = await attending(60);
    timers.sleep(20 * MINUTE);
    await timers.advance(2_010);
    expect(Math.abs((remaining() ?? NaN) - truth(server))).toBeLessThan(1_000);
  });

  test('after sleep asks the server even when the event stream is silent', async () => {
    const { server, timers, remaining } = await attending(60);
    server.isSilent = true;
    server.dropSockets();
    timers.sleep(20 * MINUTE);
    await timers.advance(2_500);
    expect(Math.abs((remaining() ?? NaN) - truth(server))).toBeLessThan(1_000);
  });
});

describe('warnings', () => {
  test('each threshold is announced once, and the nearer one replaces the other', async () => {
    const { timers, clock } = running(310);
    const seen: unknown[] = [];
    clock.alert.subscribe(() => seen.push(clock.alert.getSnapshot()?.thresholdSeconds ?? null));
    await timers.advance(300_000);
    expect(seen).toEqual([300, 60]);
  });

  test('who comes late learns of the current one only', () => {
    const { clock } = running(45);
    expect(clock.alert.getSnapshot()?.thresholdSeconds).toBe(60);
  });

  test('dismissed stays dismissed until the next threshold', async () => {
    const { timers, clock } = running(310);
    await timers.advance(11_000);
    clock.dismissAlert();
    await timers.advance(200_000);
    expect(clock.alert.getSnapshot()).toBeNull();
    await timers.advance(40_000);
    expect(clock.alert.getSnapshot()?.thresholdSeconds).toBe(60);
  });

  test('an extension takes the warning down and arms it again', async () => {
    const { timers, clock, schedule } = running(310);
    await timers.advance(11_000);
    clock.setSchedule({ ...schedule, endsAtMs: (schedule.endsAtMs ?? 0) + 600_000 });
    expect(clock.alert.getSnapshot()).toBeNull();
    await timers.advance(600_000);
    expect(clock.alert.getSnapshot()?.thresholdSeconds).toBe(300);
  });

  test('a correction of the clock by some milliseconds does not announce twice', async () => {
    const timers = new ManualTimers();
    const serverClock = new ServerClock(timers);
    const clock = new SessionClock({ serverClock, timers });
    const now = timers.trueNow;
    clock.setSchedule({ startedAtMs: now, endsAtMs: now + 310_000, endedAtMs: null, warningSeconds: [300] });
    await timers.advance(10_001);
    clock.dismissAlert();
    const receivedAt = timers.monotonicNow();
    serverClock.observeRoundTrip({ serverTimeMs: timers.trueNow - 40, sentAt: receivedAt, receivedAt });
    await timers.advance(2_000);
    expect(clock.alert.getSnapshot()).toBeNull();
  });

  test('an extension that stays below a threshold does not announce it again', async () => {
    const { timers, clock, schedule } = running(310);
    await timers.advance(100_000);
    clock.dismissAlert();
    clock.setSchedule({ ...schedule, endsAtMs: (schedule.endsAtMs ?? 0) + 30_000 });
    await timers.advance(1_000);
    expect(clock.alert.getSnapshot()).toBeNull();
  });
});

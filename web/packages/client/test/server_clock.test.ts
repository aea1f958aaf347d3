import { describe, expect, test } from 'vitest';
import { ServerClock } from '../src/index.js';
import { ManualTimers } from '../src/testing/index.js';

const QUARTER = 15 * 60_000;

/** An answer that travelled `up` ms there and `down` ms back, arriving now. */
function answer(clock: ServerClock, timers: ManualTimers, up: number, down: number) {
  const receivedAt = timers.monotonicNow();
  clock.observeRoundTrip({ serverTimeMs: timers.trueNow - down, sentAt: receivedAt - up - down, receivedAt });
}

describe('server clock', () => {
  test.each([QUARTER, -QUARTER, 0])('a browser clock off by %i ms does not matter once the server has spoken', (error) => {
    const timers = new ManualTimers({ wallErrorMs: error });
    const clock = new ServerClock(timers);
    answer(clock, timers, 20, 20);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(1);
    expect(clock.browserClockErrorMs).toBeCloseTo(error, 0);
  });

  test('a fast round trip corrects what slow ones said', () => {
    const timers = new ManualTimers();
    const clock = new ServerClock(timers);
    answer(clock, timers, 400, 10);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeGreaterThan(100);
    answer(clock, timers, 8, 12);
    answer(clock, timers, 10, 500);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(6);
    expect(clock.uncertaintyMs).toBeLessThanOrEqual(10);
  });

  test('an event gives a lower bound and never a worse estimate', () => {
    const timers = new ManualTimers();
    const clock = new ServerClock(timers);
    answer(clock, timers, 100, 20);
    clock.observeOneWay({ serverTimeMs: timers.trueNow - 5, receivedAt: timers.monotonicNow() });
    const narrowed = clock.uncertaintyMs;
    clock.observeOneWay({ serverTimeMs: timers.trueNow - 3_000, receivedAt: timers.monotonicNow() });
    expect(narrowed).toBeLessThan(60);
    expect(clock.uncertaintyMs).toBe(narrowed);
  });

  test('a jump of the date moves nothing and is suspected once', async () => {
    const timers = new ManualTimers();
    const clock = new ServerClock(timers);
    answer(clock, timers, 10, 10);
    timers.wallErrorMs += QUARTER;
    expect(clock.takeSuspicion()).toBe(true);
    expect(clock.takeSuspicion()).toBe(false);
    await timers.advance(1_000);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(1);
  });

  test('after sleep one event is enough to be right again', async () => {
    const timers = new ManualTimers();
    const clock = new ServerClock(timers);
    answer(clock, timers, 10, 10);
    timers.sleep(40 * 60_000);
    expect(clock.takeSuspicion()).toBe(true);
    clock.observeOneWay({ serverTimeMs: timers.trueNow - 8, receivedAt: timers.monotonicNow() });
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(10);
    await timers.advance(1_000);
    answer(clock, timers, 3, 3);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(5);
  });

  test('a server whose clock is set back is followed', () => {
    const timers = new ManualTimers();
    const clock = new ServerClock(timers);
    answer(clock, timers, 10, 10);
    timers.trueNow -= 60_000;
    answer(clock, timers, 10, 10);
    expect(Math.abs(clock.now() - timers.trueNow)).toBeLessThan(1);
  });

  test('an answer without a time changes nothing', () => {
    const clock = new ServerClock(new ManualTimers());
    clock.observeRoundTrip({ serverTimeMs: NaN, sentAt: 0, receivedAt: 1 });
    expect(clock.isSynced).toBe(false);
  });
});

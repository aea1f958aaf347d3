/** The clock of a session with rules: it waits, stands still, counts up, and is left at its latest end. */
import { describe, expect, test } from 'vitest';
import { CallingState, endedAt, endedReason } from '../src/index.js';
import { FakeServer } from '../src/testing/index.js';
import { MINUTE, attending } from './attending.js';

const CLOCK_STATES = ['waiting', 'running', 'paused', 'overtime', 'ended'];

/** A call of `minutes` on a server that `prepare` has given its rules, and Bill's page in it. */
async function ruled(minutes: number, prepare: (server: FakeServer) => void = () => undefined) {
  const server = new FakeServer();
  server.call.addMember('bill', 'patient');
  server.call.addMember('dr-lecter', 'specialist', 'Dr. Lecter');
  prepare(server);
  const rest = await attending(minutes, { server });
  return { ...rest, clock: () => rest.call.clock.session.getSnapshot() };
}

const waiting = (server: FakeServer) => {
  server.call.settings.limits.starts = 'all_roles';
  server.call.clock.waitingFor = { reason: 'roles', roles: ['specialist'], users: [], starts_at: null };
};
const withOvertime = (server: FakeServer) => {
  server.call.settings.limits.overtime_seconds = 120;
};

describe('waiting', () => {
  test('burns nothing, and says what for', async () => {
    const { timers, clock, call } = await ruled(60, waiting);
    await timers.advance(5 * MINUTE);
    expect(clock()).toMatchObject({ state: 'waiting', remainingMs: 60 * MINUTE, elapsedMs: 0, endsAt: null });
    expect(clock().waitingFor?.roles).toEqual(['specialist']);
    expect(call.clock.timer.getSnapshot()).toEqual({ state: 'calm', remainingMs: 60 * MINUTE, endsAt: null });
    expect(timers.pending).toBeLessThanOrEqual(4);
  });

  test('ends when the clock starts, which is then whole', async () => {
    const { server, timers, clock, remaining } = await ruled(60, waiting);
    await timers.advance(5 * MINUTE);
    server.startClock();
    await timers.advance(2_000);
    expect(remaining()).toBe(60 * MINUTE - 2_000);
    expect(clock()).toMatchObject({ state: 'running', elapsedMs: 2_000, waitingFor: null });
  });
});

describe('paused', () => {
  test('stands still, counts the pause, and goes on where it stood', async () => {
    const { server, timers, clock, remaining } = await ruled(60);
    await timers.advance(10 * MINUTE);
    server.pause({ by: 'dr-lecter', reason: 'a call' });
    await timers.advance(3 * MINUTE);
    expect(clock()).toMatchObject({ state: 'paused', remainingMs: 50 * MINUTE, elapsedMs: 10 * MINUTE, pausedMs: 3 * MINUTE });
    expect(clock().pausedReason).toMatchObject({ kind: 'manual', by: 'dr-lecter', reason: 'a call' });
    server.resume();
    await timers.advance(MINUTE);
    expect(clock()).toMatchObject({ state: 'running', remainingMs: 49 * MINUTE, elapsedMs: 11 * MINUTE, pausedMs: 3 * MINUTE });
    expect(remaining()).toBe(49 * MINUTE);
  });

  test('gives back the time since the absence when it is told of late', async () => {
    const { server, timers, clock } = await ruled(60);
    await timers.advance(10 * MINUTE);
    server.pause({ roles: ['specialist'] }, 30_000);
    await timers.advance(0);
    expect(clock()).toMatchObject({ state: 'paused', remainingMs: 50 * MINUTE + 30_000, pausedMs: 30_000 });
  });

  test('goes on by itself when the server is lost, and is left at the latest deadline only', async () => {
    const { server, timers, clock, state } = await ruled(2);
    server.call.settings.limits.max_pause_seconds = 60;
    await timers.advance(MINUTE);
    server.pause({ roles: ['specialist'] });
    await timers.advance(0);
    server.disconnect();
    await timers.advance(30_000);
    expect(clock()).toMatchObject({ state: 'paused', remainingMs: MINUTE });
    await timers.advance(MINUTE);
    expect(clock()).toMatchObject({ state: 'running', remainingMs: 30_000, elapsedMs: 90_000, pausedMs: MINUTE });
    await timers.advance(29_000);
    expect(state().callingState).not.toBe(CallingState.ENDED);
    await timers.advance(1_002);
    expect(state().callingState).toBe(CallingState.ENDED);
    expect(clock()).toMatchObject({ state: 'ended', elapsedMs: 2 * MINUTE, pausedMs: MINUTE });
  });

  test('announces no warning twice', async () => {
    const { server, timers, call } = await ruled(6);
    const seen: unknown[] = [];
    call.clock.alert.subscribe(() => seen.push(call.clock.alert.getSnapshot()?.thresholdSeconds ?? null));
    await timers.advance(2 * MINUTE);
    server.pause({ by: null });
    await timers.advance(MINUTE);
    server.resume();
    await timers.advance(MINUTE);
    expect(seen).toEqual([300]);
  });
});

describe('overtime', () => {
  test('counts up after zero, without a warning, until the hard end', async () => {
    const { timers, clock, call, state } = await ruled(1, withOvertime);
    await timers.advance(MINUTE + 5_002);
    expect(clock()).toMatchObject({ state: 'overtime', remainingMs: 0, overtimeMs: 5_000, elapsedMs: MINUTE });
    expect(call.clock.timer.getSnapshot()).toMatchObject({ state: 'critical', remainingMs: 0 });
    expect(call.clock.alert.getSnapshot()).toBeNull();
    expect(state().callingState).toBe(CallingState.JOINED);
    await timers.advance(115_100);
    expect(endedReason(state())).toBe('overtime_used_up');
    expect(clock()).toMatchObject({ state: 'ended', overtimeMs: 2 * MINUTE, elapsedMs: MINUTE });
  });

  test('is left at its end when the server is lost', async () => {
    const { server, timers, state } = await ruled(1, withOvertime);
    const hardEnd = new Date(server.call.clock.hardEndMs ?? NaN).toISOString();
    server.disconnect();
    await timers.advance(3 * MINUTE - 100);
    expect(state().callingState).not.toBe(CallingState.ENDED);
    await timers.advance(102);
    expect(state().callingState).toBe(CallingState.ENDED);
    expect([endedAt(state()), endedReason(state())]).toEqual([hardEnd, 'overtime_used_up']);
  });

  test('goes back to a countdown with an extension', async () => {
    const { server, timers, clock } = await ruled(1, withOvertime);
    await timers.advance(MINUTE + 10_000);
    server.extend(300);
    await timers.advance(0);
    expect(clock()).toMatchObject({ state: 'running', remainingMs: 5 * MINUTE - 10_000 });
  });
});

test('no number of the clock is ever negative or no number, and each tick is one second', async () => {
  const { server, timers, call } = await ruled(3, (one) => {
    waiting(one);
    withOvertime(one);
  });
  const seen: Record<string, number>[] = [];
  const shown: number[] = [];
  call.clock.session.subscribe(() => {
    const { state, remainingMs, elapsedMs, pausedMs, overtimeMs } = call.clock.session.getSnapshot();
    seen.push({ remainingMs: remainingMs ?? 0, elapsedMs, pausedMs, overtimeMs });
    expect(CLOCK_STATES).toContain(state);
    if (state === 'running') shown.push(remainingMs ?? NaN);
  });
  await timers.advance(700);
  server.startClock();
  await timers.advance(20_300);
  server.pause({ roles: ['specialist'] }, 4_500);
  await timers.advance(9_900);
  server.resume();
  await timers.advance(10 * MINUTE);
  expect(seen.flatMap((one) => Object.values(one)).filter((ms) => !(ms >= 0))).toEqual([]);
  expect(shown.filter((ms) => ms % 1000 > 50 && ms % 1000 < 950).length).toBeLessThanOrEqual(2);
});

test('participants who come and go touch no clock, also a paused one', async () => {
  const { server, timers, call } = await ruled(60);
  server.pause({ by: null });
  await timers.advance(500);
  let drawn = 0;
  call.clock.session.subscribe(() => (drawn += 1));
  for (let turn = 0; turn < 10; turn += 1) {
    server.participantJoins(`guest-${turn}`);
    await timers.advance(10);
  }
  expect(drawn).toBe(0);
});

test('a node with older rules is understood: its clock runs from the start, and nothing bounds an extension', async () => {
  const server = new FakeServer();
  const view = server.call.clock.view.bind(server.call.clock);
  server.call.clock.view = (count) => {
    const { state, elapsed_seconds, remaining_seconds, paused_seconds, passed_warning_seconds } = view(count);
    return { state, elapsed_seconds, remaining_seconds, paused_seconds, passed_warning_seconds } as never;
  };
  const { timers, call, state } = await attending(10, { server });
  await timers.advance(MINUTE);
  expect(call.clock.session.getSnapshot()).toMatchObject({ state: 'running', remainingMs: 9 * MINUTE, elapsedMs: MINUTE });
  expect(state().session?.clock).toMatchObject({ offer: null, requests: [], extension: { allowed: true } });
});

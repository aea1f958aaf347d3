import { cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { reading, ruledPage, ruledServer } from '../../test/ruled_call.js';
import { useSessionClock } from './useSessionClock.js';

const MINUTE = 60_000;

afterEach(cleanup);

test('useSessionClock follows the clock from waiting through pause and overtime to the end', async () => {
  const server = ruledServer(2);
  Object.assign(server.call.settings.limits, { starts: 'all_roles', overtime_seconds: 60 });
  const { Reader, now } = reading(useSessionClock);
  const { advance } = await ruledPage(<Reader />, server);
  expect(now()).toMatchObject({ state: 'waiting', remainingMs: 2 * MINUTE, elapsedMs: 0 });
  server.startClock();
  await advance(MINUTE);
  expect(now()).toMatchObject({ state: 'running', remainingMs: MINUTE, elapsedMs: MINUTE });
  server.pause({ roles: ['specialist'] });
  await advance(10_001);
  expect(now()).toMatchObject({ state: 'paused', remainingMs: MINUTE, pausedMs: 10_000 });
  server.resume();
  await advance(MINUTE + 5_000);
  expect(now()).toMatchObject({ state: 'overtime', remainingMs: 0, overtimeMs: 5_000 });
  await advance(MINUTE);
  expect(now()).toMatchObject({ state: 'ended', elapsedMs: 2 * MINUTE, overtimeMs: MINUTE });
});

test('useSessionClock counts the time that has passed where there is no limit', async () => {
  const server = ruledServer();
  server.call.settings.limits.max_duration_seconds = null;
  const { Reader, now } = reading(useSessionClock);
  const { advance } = await ruledPage(<Reader />, server);
  await advance(7_001);
  expect(now()).toMatchObject({ state: 'running', remainingMs: null, elapsedMs: 7_000 });
});

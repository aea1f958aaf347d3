import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { reading, ruledPage, ruledServer } from '../../test/ruled_call.js';
import { useClockControls } from './useClockControls.js';

afterEach(cleanup);

test('useClockControls offers what can be done now, and does it', async () => {
  const server = ruledServer();
  server.call.settings.limits.starts = 'manual';
  server.call.clock.waitingFor = { reason: 'start', roles: [], users: [], starts_at: null };
  const { Reader, now } = reading(useClockControls);
  await ruledPage(<Reader />, server, 'dr-lecter');
  expect(now()).toMatchObject({ canStart: true, canPause: false, canResume: false });
  await act(() => now().start());
  expect(now()).toMatchObject({ canStart: false, canPause: true, canResume: false });
  await act(() => now().pause('a telephone call'));
  expect(now()).toMatchObject({ canStart: false, canPause: false, canResume: true });
  await act(() => now().resume());
  expect(now().canPause).toBe(true);
  server.refusals['pause'] = { status: 409, code: 'pause-limit-reached' };
  expect(await act(() => now().pause())).toBe(false);
  expect(now().error?.code).toBe('pause-limit-reached');
});

test('useClockControls offers nothing to those without the right, and no return for a pause that waits for somebody', async () => {
  const server = ruledServer();
  const { Reader, now } = reading(useClockControls);
  const { advance } = await ruledPage(<Reader />, server, 'dr-lecter');
  server.pause({ roles: ['patient'] });
  await advance(0);
  expect(now()).toMatchObject({ canControl: true, canResume: false });
  cleanup();
  const patient = reading(useClockControls);
  await ruledPage(<patient.Reader />, ruledServer());
  expect(patient.now()).toMatchObject({ canControl: false, canStart: false, canPause: false, canResume: false });
});

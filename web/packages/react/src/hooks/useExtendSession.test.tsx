import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { callPage } from '../../test/call_page.js';
import { type ExtendSession, useExtendSession } from './useExtendSession.js';

afterEach(cleanup);

async function page(minutes: number | null = 60) {
  let extension: ExtendSession | undefined;
  const Reader = () => {
    extension = useExtendSession();
    return null;
  };
  const rest = await callPage(<Reader />, { minutes });
  const extend = (seconds: number) => extension?.extend(seconds) ?? Promise.resolve(false);
  return { ...rest, extend, now: () => extension };
}

test('useExtendSession counts what is under way and tells what was added', async () => {
  const { server, advance, extend, now } = await page();
  server.latencyMs = { up: 50, down: 50 };
  act(() => void extend(300));
  expect(now()).toMatchObject({ isPending: true, pendingCount: 1 });
  await advance(150);
  expect(now()).toMatchObject({ isPending: false, pendingCount: 0, addedSeconds: 300, error: undefined });
});

test('useExtendSession tells why nothing was added, and never rejects', async () => {
  const { server, advance, extend, now } = await page();
  server.refusals['extend'] = { status: 409, code: 'no-running-session' };
  let worked: boolean | undefined;
  act(() => void extend(300).then((result) => (worked = result)));
  await advance(10);
  expect(worked).toBe(false);
  expect(now()?.error?.code).toBe('no-running-session');
});

test('useExtendSession has nothing to offer without a deadline or after the end', async () => {
  expect((await page(null)).now()?.canExtend).toBe(false);
  cleanup();
  const { advance, now } = await page(1);
  expect(now()?.canExtend).toBe(true);
  await advance(61_000);
  expect(now()?.canExtend).toBe(false);
});

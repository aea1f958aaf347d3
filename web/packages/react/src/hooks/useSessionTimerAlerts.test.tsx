import { FakeServer } from '@callclock/client/testing';
import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { callPage } from '../../test/call_page.js';
import { type SessionTimerAlerts, useSessionTimerAlerts } from './useSessionTimerAlerts.js';

const MINUTE = 60_000;

afterEach(cleanup);

async function page(thresholdsSeconds?: number[], minutes = 10) {
  const onAlert = vi.fn();
  let alerts: SessionTimerAlerts | undefined;
  const Reader = () => {
    alerts = useSessionTimerAlerts({ ...(thresholdsSeconds && { thresholdsSeconds }), onAlert });
    return null;
  };
  const server = new FakeServer();
  server.call.settings.limits.max_duration_seconds = minutes * 60;
  const { advance } = await callPage(<Reader />, { server });
  const current = () => alerts?.alert?.thresholdSeconds ?? null;
  return { server, advance, onAlert, current, dismiss: () => alerts?.dismiss() };
}

test.each([undefined, [300, 60]])('useSessionTimerAlerts(%j) alerts, is dismissed, and is armed again', async (thresholds) => {
  const { server, advance, onAlert, current, dismiss } = await page(thresholds);
  await advance(5 * MINUTE + 10);
  expect(current()).toBe(300);
  act(dismiss);
  await advance(MINUTE);
  expect(current()).toBeNull();
  server.extend(600);
  await advance(9 * MINUTE + 2_000);
  expect(current()).toBe(300);
  expect(onAlert).toHaveBeenCalledTimes(2);
});

test('useSessionTimerAlerts says nothing more once the session has ended', async () => {
  const { advance, current } = await page([30], 1);
  await advance(MINUTE + 50);
  expect(current()).toBeNull();
});

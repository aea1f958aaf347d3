import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { reading, ruledPage, ruledServer } from '../../test/ruled_call.js';
import { useExtension } from './useExtension.js';

afterEach(cleanup);

async function page(user: string, prepare: (server: ReturnType<typeof ruledServer>) => void = () => undefined) {
  const server = ruledServer();
  prepare(server);
  const { Reader, now } = reading(useExtension);
  return { now, ...(await ruledPage(<Reader />, server, user)) };
}

test('useExtension tells what would be accepted now, and why nothing would be', async () => {
  const { server, now, advance } = await page('dr-lecter', ({ call }) => {
    call.clock.extension = { steps_seconds: [300, 600], count_left: 2, seconds_left: 900 };
  });
  expect(now()).toMatchObject({ canExtend: true, isAllowed: true, steps: [300, 600], maxSeconds: 900, countLeft: 2 });
  server.call.clock.extension = { allowed: false, reason: 'extension-count-reached', steps_seconds: [], count_left: 0 };
  server.extend(300);
  await advance(0);
  expect(now()).toMatchObject({ isAllowed: false, reason: 'extension-count-reached', steps: [] });
});

test('useExtension looks again when the cooling down is over', async () => {
  const { server, now, advance } = await page('dr-lecter', ({ call, timers }) => {
    const cooldown_until = new Date(timers.trueNow + 30_000).toISOString();
    call.clock.extension = { allowed: false, reason: 'extension-cooling-down', cooldown_until };
  });
  expect(now().cooldownUntil).toEqual(new Date(server.timers.trueNow + 30_000));
  server.call.clock.extension = {};
  await advance(31_000);
  expect(now()).toMatchObject({ isAllowed: true, cooldownUntil: null });
});

test('useExtension offers where consent is needed, to those who may give it', async () => {
  const consent = ({ call }: ReturnType<typeof ruledServer>) => {
    call.settings.limits.extension.consent_roles = ['patient'];
  };
  const doctor = await page('dr-lecter', consent);
  await act(() => doctor.now().extend(900, { priceText: '€ 30' }));
  expect(doctor.now()).toMatchObject({ needsConsent: true, canAnswer: false, canWithdraw: true, offer: { price_text: '€ 30' } });
  cleanup();
  const bill = await page('bill', consent);
  bill.server.offer(900, 'dr-lecter');
  await bill.advance(0);
  expect(bill.now()).toMatchObject({ canExtend: false, canAnswer: true, canWithdraw: false, offer: { seconds: 900 } });
  expect(await act(() => bill.now().accept())).toBe(true);
  expect(bill.now()).toMatchObject({ offer: null, answered: { answer: 'accepted' } });
});

test('useExtension tells why an answer did not work, and never rejects', async () => {
  const { server, now, advance } = await page('bill');
  expect(await act(() => now().accept())).toBe(false);
  server.offer(900, 'dr-lecter');
  await advance(0);
  server.refusals['decline'] = { status: 404, code: 'offer-not-found' };
  expect(await act(() => now().decline())).toBe(false);
  expect(now().error?.code).toBe('offer-not-found');
});

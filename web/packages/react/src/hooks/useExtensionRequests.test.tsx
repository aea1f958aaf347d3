import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { reading, ruledPage, ruledServer } from '../../test/ruled_call.js';
import { useExtensionRequests } from './useExtensionRequests.js';

afterEach(cleanup);

test('useExtensionRequests asks once at a time, and gives the answer', async () => {
  const server = ruledServer();
  const { Reader, now } = reading(useExtensionRequests);
  const { advance } = await ruledPage(<Reader />, server);
  expect(now()).toMatchObject({ canAsk: true, canAnswer: false });
  expect(await act(() => now().request(600, 'one more question'))).toBe(true);
  expect(now()).toMatchObject({ canAsk: false, mine: { seconds: 600, reason: 'one more question' }, pending: [] });
  const doctor = server.client('dr-lecter').call('appointment', 'test-call');
  await doctor.declineRequest(now().mine?.id ?? '');
  await advance(0);
  expect(now()).toMatchObject({ canAsk: true, mine: undefined, answered: { answer: 'declined', by: { id: 'dr-lecter' } } });
});

test('useExtensionRequests shows those who may extend who asks, and adds what they agree to', async () => {
  const server = ruledServer();
  const { Reader, now } = reading(useExtensionRequests);
  const { advance, call } = await ruledPage(<Reader />, server, 'dr-lecter');
  await server.client('bill').call('appointment', 'test-call').requestExtension({ seconds: 600 });
  await advance(0);
  expect(now()).toMatchObject({ canAsk: false, canAnswer: true, pending: [{ by: 'bill', seconds: 600 }] });
  expect(await act(() => now().approve(now().pending[0]?.id ?? ''))).toBe(true);
  expect(now().pending).toEqual([]);
  expect(call.clock.timer.getSnapshot().remainingMs).toBe(70 * 60_000);
});

test('useExtensionRequests takes a request back', async () => {
  const server = ruledServer();
  const { Reader, now } = reading(useExtensionRequests);
  await ruledPage(<Reader />, server);
  await act(() => now().request(600));
  expect(await act(() => now().withdraw())).toBe(true);
  expect(now()).toMatchObject({ mine: undefined, answered: { answer: 'withdrawn' } });
});

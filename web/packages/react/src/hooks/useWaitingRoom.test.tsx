import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { reading, ruledPage, ruledServer } from '../../test/ruled_call.js';
import { useWaitingRoom } from './useWaitingRoom.js';

afterEach(cleanup);

function backstage() {
  const server = ruledServer();
  server.call.settings.backstage.enabled = true;
  return server;
}

test('useWaitingRoom shows who waits to those who may admit, and lets them in', async () => {
  const server = backstage();
  const { Reader, now } = reading(useWaitingRoom);
  const { advance } = await ruledPage(<Reader />, server, 'dr-lecter');
  expect(now()).toMatchObject({ canAdmit: true, isWaiting: false, isLive: false, count: 0 });
  const bill = server.client('bill').call('appointment', 'test-call');
  await bill.join();
  await advance(0);
  expect(now()).toMatchObject({ count: 1, people: [{ userId: 'bill', name: 'Bill' }] });
  expect(await act(() => now().admit('bill'))).toBe(true);
  expect(now()).toMatchObject({ count: 0, people: [] });
  expect(await act(() => now().admit('bill'))).toBe(false);
  expect(now().error?.code).toBe('not-waiting');
});

test('useWaitingRoom tells the one who waits, until the doors open', async () => {
  const server = backstage();
  const { Reader, now } = reading(useWaitingRoom);
  const { advance } = await ruledPage(<Reader />, server);
  expect(now()).toMatchObject({ isWaiting: true, canAdmit: false, people: [] });
  await server.client('dr-lecter').call('appointment', 'test-call').goLive();
  await advance(0);
  expect(now()).toMatchObject({ isWaiting: false, isLive: true });
});

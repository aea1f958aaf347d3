import { cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { callPage } from '../../test/call_page.js';
import { useSessionTimer } from './useSessionTimer.js';

afterEach(cleanup);

test('useSessionTimer gives time left, deadline and state, and ticks once a second', async () => {
  const seen: ReturnType<typeof useSessionTimer>[] = [];
  const Reader = () => {
    seen.push(useSessionTimer());
    return null;
  };
  const { advance, server } = await callPage(<Reader />, { minutes: 10 });
  const endsAt = new Date(server.call.endsAtMs ?? NaN);
  expect(seen.at(-1)).toEqual({ state: 'calm', remainingMs: 600_000, endsAt });
  seen.length = 0;
  await advance(3_010);
  expect(seen.at(-1)?.remainingMs).toBe(597_000);
});

test('useSessionTimer is idle before the call is joined', async () => {
  let state: string | undefined;
  const Reader = () => {
    const timer = useSessionTimer();
    state ??= timer.state;
    return null;
  };
  await callPage(<Reader />);
  expect(state).toBe('idle');
});

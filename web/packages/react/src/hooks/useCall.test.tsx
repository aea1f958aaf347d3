import { cleanup, render, renderHook } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { callPage } from '../../test/call_page.js';
import { useCall } from './useCall.js';
import { useMaybeCall } from './useMaybeCall.js';
import { useStreamVideoClient } from './useStreamVideoClient.js';

afterEach(cleanup);

test('useCall gives the call around', async () => {
  let found: unknown;
  const Reader = () => {
    found = useCall();
    return null;
  };
  const { call } = await callPage(<Reader />);
  expect(found).toBe(call);
});

test('useCall and useStreamVideoClient advise outside of their providers', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const Outside = ({ hook }: { hook: () => unknown }) => String(hook());
  expect(() => render(<Outside hook={useCall} />)).toThrow(/inside <StreamCall call=\{call\}>/);
  expect(() => render(<Outside hook={useStreamVideoClient} />)).toThrow(/inside <StreamVideo client=\{client\}>/);
});

test('useMaybeCall gives nothing outside of a call', () => {
  expect(renderHook(() => useMaybeCall()).result.current).toBeUndefined();
});

import { cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { callPage, text } from '../../test/call_page.js';
import { useConnectionState } from './useConnectionState.js';

afterEach(cleanup);

test('useConnectionState follows the event stream through a break', async () => {
  const Reader = () => <p>{useConnectionState().phase}</p>;
  const { server, advance } = await callPage(<Reader />);
  expect(text()).toBe('open');
  server.disconnect();
  await advance(1);
  expect(text()).toBe('waiting');
  server.isReachable = true;
  await advance(10_000);
  expect(text()).toBe('open');
});

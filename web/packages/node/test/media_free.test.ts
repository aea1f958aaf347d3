import { expect, test, vi } from 'vitest';

vi.mock('livekit-client', () => {
  throw new Error('the media library was loaded');
});

test('Node never loads the media library', async () => {
  const node = await import('../src/index.js');
  const client = await import('@callclock/client');
  expect(node.StreamClient).toBeDefined();
  expect(new client.StreamVideoClient({ apiKey: 'key', user: { id: 'bill' }, token: 't' }).call('a', 'b').cid).toBe('a:b');
});

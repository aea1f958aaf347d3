import { OwnCapability } from '@callclock/client';
import { FakeServer } from '@callclock/client/testing';
import { cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { callPage, text } from '../../test/call_page.js';
import { useHasPermissions } from './useHasPermissions.js';

afterEach(cleanup);

test('useHasPermissions wants all that are named, and follows a change', async () => {
  const Reader = () => {
    const both = useHasPermissions(OwnCapability.SEND_AUDIO, OwnCapability.SEND_VIDEO);
    return <p>{`${useHasPermissions(OwnCapability.SEND_AUDIO)} ${both}`}</p>;
  };
  const server = new FakeServer();
  server.capabilities['bill'] = ['join-call', 'send-audio'];
  const { advance } = await callPage(<Reader />, { server, user: 'bill' });
  expect(text()).toBe('true false');
  server.emit('call.permissions_updated', { user: { id: 'bill' }, own_capabilities: ['join-call'] });
  await advance(0);
  expect(text()).toBe('false false');
});

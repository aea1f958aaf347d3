import type { StreamVideoClient } from '@callclock/client';
import { useContext } from 'react';
import { ClientContext } from '../contexts.js';

export function useMaybeStreamVideoClient(): StreamVideoClient | undefined {
  return useContext(ClientContext);
}

/** The client of the `<StreamVideo>` around. */
export function useStreamVideoClient(): StreamVideoClient {
  const client = useContext(ClientContext);
  if (client === undefined) {
    throw new Error('There is no client here: put this component inside <StreamVideo client={client}>.');
  }
  return client;
}

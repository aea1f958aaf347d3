import type { StreamState } from '@callclock/client';
import { useSyncExternalStore } from 'react';
import { useStreamVideoClient } from './useStreamVideoClient.js';

/** Whether the page hears the server: the state of the event stream. */
export function useConnectionState(): StreamState {
  const { connection } = useStreamVideoClient();
  return useSyncExternalStore(connection.subscribe, connection.getSnapshot, connection.getSnapshot);
}

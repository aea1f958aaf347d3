import type { SessionClockSnapshot } from '@callclock/client';
import { useSyncExternalStore } from 'react';
import { useCall } from './useCall.js';

/**
 * The whole clock, by the server's time: its state, and the milliseconds of each kind of time. Ticks on whole
 * seconds of what moves; no number is ever `NaN` or negative.
 */
export function useSessionClock(): SessionClockSnapshot {
  const { session } = useCall().clock;
  return useSyncExternalStore(session.subscribe, session.getSnapshot, session.getSnapshot);
}

import type { SessionTimerSnapshot } from '@callclock/client';
import { useSyncExternalStore } from 'react';
import { useCall } from './useCall.js';

/** The countdown: `{remainingMs, endsAt, state}`, by the server's clock, ticking on whole seconds. */
export function useSessionTimer(): SessionTimerSnapshot {
  const { timer } = useCall().clock;
  return useSyncExternalStore(timer.subscribe, timer.getSnapshot, timer.getSnapshot);
}

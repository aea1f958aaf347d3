import { endedAt } from '@callclock/client';
import { useMemo } from 'react';
import { useCallState } from './useCallState.js';

/** When the call ended; undefined while it has not. */
export function useCallEndedAt(): Date | undefined {
  const time = useCallState(endedAt);
  return useMemo(() => (time === undefined ? undefined : new Date(time)), [time]);
}

import type { ChangeResponse } from '@callclock/client';
import { useEffect } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';

/** Every change of the running session's deadline, oldest first; those from before this page came are read once. */
export function useSessionChanges(): readonly ChangeResponse[] {
  const call = useCall();
  const sessionId = useCallState((state) => state.session?.id);
  useEffect(() => {
    // Without the older rows the time line shows one plain segment: nothing worth an error.
    if (sessionId !== undefined) call.ledger(sessionId).catch(() => undefined);
  }, [call, sessionId]);
  return useCallState((state) => state.changes);
}

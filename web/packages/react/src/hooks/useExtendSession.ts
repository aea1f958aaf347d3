import { type CallclockError, OwnCapability, asCallclockError } from '@callclock/client';
import { useCallback, useState } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';
import { useHasPermissions } from './useHasPermissions.js';

export interface ExtendSession {
  /** Whether this user may, and there is a running session with a deadline to move. */
  canExtend: boolean;
  /** Adds seconds once per call of this function. Resolves with whether it worked; never rejects. */
  extend: (seconds: number, reason?: string) => Promise<boolean>;
  isPending: boolean;
  /** Extensions asked for on this page and not answered yet. */
  pendingCount: number;
  /** Seconds of the last extension that worked. */
  addedSeconds: number | undefined;
  error: CallclockError | undefined;
}

export function useExtendSession(): ExtendSession {
  const call = useCall();
  const mayExtend = useHasPermissions(OwnCapability.CHANGE_MAX_DURATION);
  const hasDeadline = useCallState(({ session }) => session?.ended_at === null && session.timer_ends_at !== null);
  const pendingCount = useCallState((state) => state.pendingExtensions);
  const [outcome, setOutcome] = useState<{ error?: CallclockError; addedSeconds?: number }>({});
  const extend = useCallback(
    async (seconds: number, reason?: string) => {
      setOutcome({});
      try {
        await call.extend({ seconds, reason });
        setOutcome({ addedSeconds: seconds });
        return true;
      } catch (thrown) {
        setOutcome({ error: asCallclockError(thrown, 'internal') });
        return false;
      }
    },
    [call],
  );
  const { error, addedSeconds } = outcome;
  return { canExtend: mayExtend && hasDeadline, extend, isPending: pendingCount > 0, pendingCount, addedSeconds, error };
}

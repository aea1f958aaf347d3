import { type CallclockError, type ExtensionWarning, OwnCapability, asCallclockError } from '@callclock/client';
import { useCallback, useState } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';
import { useHasPermissions } from './useHasPermissions.js';

export interface ExtendSession {
  /** Whether this user may, and there is a running session with a deadline to move. */
  canExtend: boolean;
  /**
   * Adds seconds, or offers them where others must consent, once per call of this function. Resolves with
   * whether it worked; never rejects.
   */
  extend: (seconds: number, reason?: string, priceText?: string) => Promise<boolean>;
  isPending: boolean;
  /** Extensions asked for on this page and not answered yet. */
  pendingCount: number;
  /** Seconds of the last extension that worked. */
  addedSeconds: number | undefined;
  /** Set when that runs into the next call of somebody here. */
  warning: ExtensionWarning | undefined;
  error: CallclockError | undefined;
}

export function useExtendSession(): ExtendSession {
  const call = useCall();
  const mayExtend = useHasPermissions(OwnCapability.CHANGE_MAX_DURATION);
  const hasDeadline = useCallState(({ session }) => session?.ended_at === null && session.timer_ends_at !== null);
  const pendingCount = useCallState((state) => state.pendingExtensions);
  const [outcome, setOutcome] = useState<Partial<Pick<ExtendSession, 'error' | 'addedSeconds' | 'warning'>>>({});
  const extend = useCallback(
    async (seconds: number, reason?: string, priceText?: string) => {
      setOutcome({});
      try {
        const { change, warnings } = await call.extend({ seconds, reason, price_text: priceText });
        setOutcome(change === null ? {} : { addedSeconds: seconds, warning: warnings[0] });
        return true;
      } catch (thrown) {
        setOutcome({ error: asCallclockError(thrown, 'internal') });
        return false;
      }
    },
    [call],
  );
  const { error, addedSeconds, warning } = outcome;
  const canExtend = mayExtend && hasDeadline;
  return { canExtend, extend, isPending: pendingCount > 0, pendingCount, addedSeconds, warning, error };
}

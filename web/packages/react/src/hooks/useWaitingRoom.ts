import { type CallclockError, CallingState, OwnCapability, type ParticipantResponse } from '@callclock/client';
import { useEffect, useMemo } from 'react';
import { useAttempt } from './useAttempt.js';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';
import { useHasPermissions } from './useHasPermissions.js';

export interface WaitingPerson {
  userId: string;
  name: string;
  image: string | null;
  since: Date;
}

export interface WaitingRoom {
  /** Whether this page is the one that waits. */
  isWaiting: boolean;
  /** Whether this user sees who waits, and may let them in. */
  canAdmit: boolean;
  /** Whether everybody comes in without waiting. */
  isLive: boolean;
  /** How many people wait. */
  count: number;
  /** Who waits, longest first; empty for those who may not admit. */
  people: readonly WaitingPerson[];
  /** Lets one in. Resolves with whether it worked; never rejects, as the next two do not. */
  admit: (userId: string) => Promise<boolean>;
  /** Lets in everybody, also those who come later. */
  goLive: () => Promise<boolean>;
  /** Lets those wait who come from now on. */
  stopLive: () => Promise<boolean>;
  isPending: boolean;
  error: CallclockError | undefined;
}

/** The room before the doors of the call, for both sides of them. */
export function useWaitingRoom(): WaitingRoom {
  const call = useCall();
  const isWaiting = useCallState((state) => state.callingState === CallingState.WAITING);
  const canAdmit = useHasPermissions(OwnCapability.JOIN_BACKSTAGE);
  const isLive = useCallState(({ session }) => session?.clock.live ?? false);
  const count = useCallState(({ session }) => session?.clock.waiting_count ?? 0);
  const waiting = useCallState((state) => state.waiting);
  const { attempt, isPending, error } = useAttempt();
  useEffect(() => {
    // Events tell the number alone. Without an answer the number stands there: nothing worth an error.
    if (canAdmit && count > 0) call.waiting().catch(() => undefined);
  }, [call, canAdmit, count]);
  const people = useMemo(() => (canAdmit && count > 0 ? waiting.map(personOf) : []), [canAdmit, count, waiting]);
  return {
    isWaiting,
    canAdmit,
    isLive,
    count,
    people,
    admit: (userId) => attempt(() => call.admit(userId)),
    goLive: () => attempt(() => call.goLive()),
    stopLive: () => attempt(() => call.stopLive()),
    isPending,
    error,
  };
}

function personOf({ user_id, user, waiting_since }: ParticipantResponse): WaitingPerson {
  return { userId: user_id, name: user.name || user_id, image: user.image, since: new Date(waiting_since ?? NaN) };
}

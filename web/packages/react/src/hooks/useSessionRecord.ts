import type { SessionRecord } from '@callclock/client';
import { useEffect } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';

/**
 * What the session was, once it has ended: times of each kind, presence, changes. The server sends it along
 * with the end of a session that had rules; that of a plain one is read once.
 */
export function useSessionRecord(): SessionRecord | undefined {
  const call = useCall();
  const record = useCallState((state) => state.record);
  const endedId = useCallState(({ session }) => (session?.ended_at == null ? undefined : session.id));
  const isKnown = record !== undefined && record.session_id === endedId;
  useEffect(() => {
    // The end page says what it can without it.
    if (endedId !== undefined && !isKnown) call.record(endedId).catch(() => undefined);
  }, [call, endedId, isKnown]);
  return isKnown ? record : undefined;
}

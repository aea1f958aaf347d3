import type { SessionResponse } from '@callclock/client';
import { useCallState } from './useCallState.js';

/** The running session; after the end, the session that ended, so that an end page can tell of it. */
export function useCallSession(): SessionResponse | undefined {
  return useCallState((state) => state.session);
}

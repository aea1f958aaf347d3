import type { CallclockError } from '@callclock/client';
import { useCallState } from './useCallState.js';

/** Why the last attempt to join failed. */
export function useCallJoinError(): CallclockError | undefined {
  return useCallState((state) => state.joinError);
}

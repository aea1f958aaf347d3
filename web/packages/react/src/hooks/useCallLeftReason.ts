import type { LeftReason } from '@callclock/client';
import { useCallState } from './useCallState.js';

/** Why this page is out of a call that may go on without it. */
export function useCallLeftReason(): LeftReason | undefined {
  return useCallState((state) => state.leftReason);
}

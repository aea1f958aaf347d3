import type { CallingState } from '@callclock/client';
import { useCallState } from './useCallState.js';

/** Where this page stands with the call: see `CallingState`. */
export function useCallCallingState(): CallingState {
  return useCallState((state) => state.callingState);
}

import { useCallState } from './useCallState.js';

/** What this user may do in this call. Follows changes during the call. */
export function useOwnCapabilities(): readonly string[] {
  return useCallState((state) => state.ownCapabilities);
}

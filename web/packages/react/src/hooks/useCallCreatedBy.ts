import type { UserResponse } from '@callclock/client';
import { useCallState } from './useCallState.js';

export function useCallCreatedBy(): UserResponse | undefined {
  return useCallState((state) => state.call?.created_by ?? undefined);
}

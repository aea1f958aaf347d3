import type { MemberResponse } from '@callclock/client';
import { useCallState } from './useCallState.js';

export function useCallMembers(): readonly MemberResponse[] {
  return useCallState((state) => state.members);
}

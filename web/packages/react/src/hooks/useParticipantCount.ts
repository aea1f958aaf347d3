import { useCallState } from './useCallState.js';

export function useParticipantCount(): number {
  return useCallState((state) => state.session?.participants.length ?? 0);
}

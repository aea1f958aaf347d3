import { type EndedReason, endedReason } from '@callclock/client';
import { useCallState } from './useCallState.js';

export function useCallEndedReason(): EndedReason | undefined {
  return useCallState(endedReason);
}

import type { CallSettings } from '@callclock/client';
import { useCallState } from './useCallState.js';

export function useCallSettings(): CallSettings | undefined {
  return useCallState((state) => state.call?.settings);
}

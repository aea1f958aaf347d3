import type { CustomData } from '@callclock/client';
import { useCallState } from './useCallState.js';

const NONE: CustomData = {};

export function useCallCustomData(): CustomData {
  return useCallState((state) => state.call?.custom ?? NONE);
}

import type { NoShow } from '@callclock/client';
import { useCallState } from './useCallState.js';

/** The required roles that never came, once their time is over; undefined otherwise. */
export function useNoShow(): NoShow | undefined {
  return useCallState((state) => state.noShow);
}

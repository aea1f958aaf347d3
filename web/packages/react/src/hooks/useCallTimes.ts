import { useMemo } from 'react';
import { useCallState } from './useCallState.js';

function useTime(time: string | null | undefined): Date | undefined {
  return useMemo(() => (time === null || time === undefined ? undefined : new Date(time)), [time]);
}

export function useCallCreatedAt(): Date | undefined {
  return useTime(useCallState((state) => state.call?.created_at));
}

export function useCallUpdatedAt(): Date | undefined {
  return useTime(useCallState((state) => state.call?.updated_at));
}

/** When the call is meant to start; undefined when nothing was agreed. */
export function useCallStartsAt(): Date | undefined {
  return useTime(useCallState((state) => state.call?.starts_at));
}

import type { CallState } from '@callclock/client';
import { useSyncExternalStore } from 'react';
import { useCall } from './useCall.js';

/** A part of the call's state; draws again only when that part changes, so `select` must not make new objects. */
export function useCallState<T>(select: (state: CallState) => T): T {
  const { state } = useCall();
  const read = () => select(state.getSnapshot());
  return useSyncExternalStore(state.subscribe, read, read);
}

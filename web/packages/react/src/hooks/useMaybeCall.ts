import type { Call } from '@callclock/client';
import { useContext } from 'react';
import { CallContext } from '../contexts.js';

/** The call of the `<StreamCall>` around, or undefined outside of one. */
export function useMaybeCall(): Call | undefined {
  return useContext(CallContext);
}

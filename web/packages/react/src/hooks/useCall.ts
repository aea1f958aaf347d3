import type { Call } from '@callclock/client';
import { useMaybeCall } from './useMaybeCall.js';

/** The call of the `<StreamCall>` around. */
export function useCall(): Call {
  const call = useMaybeCall();
  if (call === undefined) {
    throw new Error('There is no call here: put this component inside <StreamCall call={call}>.');
  }
  return call;
}

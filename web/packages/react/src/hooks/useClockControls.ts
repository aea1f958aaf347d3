import { type CallclockError, OwnCapability } from '@callclock/client';
import { useAttempt } from './useAttempt.js';
import { useCall } from './useCall.js';
import { useHasPermissions } from './useHasPermissions.js';
import { useSessionClock } from './useSessionClock.js';

export interface ClockControls {
  /** Whether this user may start, pause and resume at all. */
  canControl: boolean;
  /** What can be done now. */
  canStart: boolean;
  canPause: boolean;
  canResume: boolean;
  /** Each resolves with whether it worked, and never rejects. */
  start: (reason?: string) => Promise<boolean>;
  pause: (reason?: string) => Promise<boolean>;
  resume: (reason?: string) => Promise<boolean>;
  isPending: boolean;
  error: CallclockError | undefined;
}

/** Starting, pausing and resuming the clock by hand. */
export function useClockControls(): ClockControls {
  const call = useCall();
  const canControl = useHasPermissions(OwnCapability.CHANGE_MAX_DURATION);
  const { state, waitingFor, pausedReason } = useSessionClock();
  const { attempt, isPending, error } = useAttempt();
  return {
    canControl,
    canStart: canControl && state === 'waiting' && waitingFor?.reason !== 'backstage',
    canPause: canControl && state === 'running',
    canResume: canControl && state === 'paused' && pausedReason?.kind === 'manual',
    start: (reason) => attempt(() => call.startClock({ reason })),
    pause: (reason) => attempt(() => call.pauseClock({ reason })),
    resume: (reason) => attempt(() => call.resumeClock({ reason })),
    isPending,
    error,
  };
}

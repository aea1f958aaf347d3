import {
  type AnsweredExtension,
  type CallclockError,
  OwnCapability,
  type RequestResponse,
} from '@callclock/client';
import { useMemo } from 'react';
import { useAttempt } from './useAttempt.js';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';
import type { ExtensionOptions } from './useExtension.js';
import { useHasPermissions } from './useHasPermissions.js';

export interface ExtensionRequests {
  /** Whether this user needs to ask, and may do so now. */
  canAsk: boolean;
  /** This user's own request, while nobody has answered it. */
  mine: RequestResponse | undefined;
  /** The requests of others that wait for an answer. */
  pending: readonly RequestResponse[];
  /** Whether this user may answer them. */
  canAnswer: boolean;
  /** The last answer to a request of this user. */
  answered: AnsweredExtension | undefined;
  /** Asks for seconds. Resolves with whether it worked; never rejects, as the others do not. */
  request: (seconds: number, reason?: string) => Promise<boolean>;
  withdraw: () => Promise<boolean>;
  /** Adds what was asked for, or offers it where others must consent. */
  approve: (requestId: string, options?: ExtensionOptions) => Promise<boolean>;
  decline: (requestId: string, reason?: string) => Promise<boolean>;
  isPending: boolean;
  error: CallclockError | undefined;
}

const NONE: readonly RequestResponse[] = [];

/** Requests for more time: asking, and answering those of others. */
export function useExtensionRequests(): ExtensionRequests {
  const call = useCall();
  const requests = useCallState(({ session }) => session?.clock.requests ?? NONE);
  const mayExtend = useHasPermissions(OwnCapability.CHANGE_MAX_DURATION);
  const hasDeadline = useCallState(({ session }) => session?.ended_at === null && session.timer_ends_at !== null);
  const answered = useCallState(({ answered: last }) =>
    last?.request?.by === call.currentUserId ? last : undefined,
  );
  const { attempt, isPending, error } = useAttempt();
  const mine = requests.find((one) => one.by === call.currentUserId);
  const pending = useMemo(() => requests.filter((one) => one.by !== call.currentUserId), [requests, call]);
  return {
    canAsk: !mayExtend && hasDeadline && mine === undefined,
    mine,
    pending,
    canAnswer: mayExtend,
    answered,
    request: (seconds, reason) => attempt(() => call.requestExtension({ seconds, reason })),
    withdraw: () => (mine === undefined ? Promise.resolve(false) : attempt(() => call.declineRequest(mine.id))),
    approve: (requestId, { reason, priceText } = {}) =>
      attempt(() => call.approveRequest(requestId, { reason, price_text: priceText })),
    decline: (requestId, reason) => attempt(() => call.declineRequest(requestId, { reason })),
    isPending,
    error,
  };
}

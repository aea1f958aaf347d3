import {
  type AnsweredExtension,
  type CallclockError,
  type ExtensionWarning,
  FREE_EXTENSION,
  type OfferResponse,
  OwnCapability,
} from '@callclock/client';
import { useState } from 'react';
import { useAttempt } from './useAttempt.js';
import { useCall } from './useCall.js';
import { useCallSettings } from './useCallSettings.js';
import { useCallState } from './useCallState.js';
import { useHasPermissions } from './useHasPermissions.js';
import { useOwnRoles } from './useOwnRoles.js';

export interface ExtensionOptions {
  reason?: string;
  /** What the time costs, in words for those who must consent. */
  priceText?: string | undefined;
}

export interface Extension {
  /** Whether this user may extend, and there is a running clock with an end to move. */
  canExtend: boolean;
  /** Whether any length would be accepted now. */
  isAllowed: boolean;
  /** The error code that every length would get now. */
  reason: string | undefined;
  /** The lengths that would be accepted, in seconds; null = any up to `maxSeconds`. */
  steps: readonly number[] | null;
  /** The longest length that would be accepted; null = no cap. */
  maxSeconds: number | null;
  /** How many extensions are left; null = no cap. */
  countLeft: number | null;
  /** When the next one is allowed; null unless one must wait. */
  cooldownUntil: Date | null;
  /** When the next call of somebody here begins, and the seconds that are free before it. */
  freeUntil: Date | null;
  freeSeconds: number | null;
  /** Whether somebody must accept first. */
  needsConsent: boolean;
  /** The offer that waits for an answer. */
  offer: OfferResponse | null;
  /** Whether this user may accept or decline it. */
  canAnswer: boolean;
  /** Whether this user may take it back. */
  canWithdraw: boolean;
  /** The last answer to an offer. */
  answered: AnsweredExtension | undefined;
  /** The last extension runs into the next call. */
  warning: ExtensionWarning | undefined;
  /** Adds or offers seconds. Resolves with whether it worked; never rejects, as the next two do not. */
  extend: (seconds: number, options?: ExtensionOptions) => Promise<boolean>;
  accept: () => Promise<boolean>;
  decline: () => Promise<boolean>;
  isPending: boolean;
  error: CallclockError | undefined;
}

/** More time: what would be accepted now, offering it, and answering an offer. */
export function useExtension(): Extension {
  const call = useCall();
  const mayExtend = useHasPermissions(OwnCapability.CHANGE_MAX_DURATION);
  const hasDeadline = useCallState(({ session }) => session?.ended_at === null && session.timer_ends_at !== null);
  const state = useCallState(({ session }) => session?.clock.extension) ?? FREE_EXTENSION;
  const offer = useCallState(({ session }) => session?.clock.offer ?? null);
  const answered = useCallState((known) => (known.answered?.offer ? known.answered : undefined));
  const guardRefuses = useCallSettings()?.limits.back_to_back === 'refuse';
  const roles = useOwnRoles();
  const [warning, setWarning] = useState<ExtensionWarning>();
  const { attempt, isPending, error } = useAttempt();
  const isMine = offer?.by === call.currentUserId;
  const withOffer = (answer: (offerId: string) => Promise<unknown>) => () =>
    offer === null ? Promise.resolve(false) : attempt(() => answer(offer.id));
  return {
    canExtend: mayExtend && hasDeadline,
    isAllowed: state.allowed,
    reason: state.reason ?? undefined,
    steps: state.steps_seconds,
    maxSeconds: smaller(state.seconds_left, guardRefuses ? state.free_seconds : null),
    countLeft: state.count_left,
    cooldownUntil: date(state.cooldown_until),
    freeUntil: date(state.free_until),
    freeSeconds: state.free_seconds,
    needsConsent: state.consent_roles.length > 0,
    offer,
    canAnswer: offer !== null && !isMine && state.consent_roles.some((role) => roles.includes(role)),
    canWithdraw: offer !== null && mayExtend,
    answered,
    warning,
    extend: (seconds, { reason, priceText } = {}) =>
      attempt(async () => {
        const answer = await call.extend({ seconds, reason, price_text: priceText });
        setWarning(answer.warnings[0]);
      }),
    accept: withOffer((offerId) => call.acceptOffer(offerId)),
    decline: withOffer((offerId) => call.declineOffer(offerId)),
    isPending,
    error,
  };
}

function smaller(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

function date(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}

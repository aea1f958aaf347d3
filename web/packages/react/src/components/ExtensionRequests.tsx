import type { RequestResponse } from '@callclock/client';
import { moreTimeInWords } from '../durations.js';
import { useExtension } from '../hooks/useExtension.js';
import { useExtensionRequests } from '../hooks/useExtensionRequests.js';
import { NoticeRow } from './NoticeRow.js';

export interface ExtensionRequestsProps {
  /** What so many seconds cost, for those who must consent. */
  priceText?: (seconds: number) => string | undefined;
  className?: string;
}

/** Who asks for more time, with the answers; drawn only for those who may extend. */
export function ExtensionRequests({ priceText, className }: ExtensionRequestsProps) {
  const { pending, canAnswer, approve, decline, isPending, error } = useExtensionRequests();
  const { needsConsent } = useExtension();
  const [first, ...others] = canAnswer ? pending : [];
  const waiting = others.length > 0 ? `${others.length} more ${others.length === 1 ? 'request waits' : 'requests wait'}.` : '';
  const refused = error && `Nothing was added: ${error.message}`;
  return (
    <NoticeRow
      kind="request"
      className={className}
      text={first === undefined ? '' : inWords(first)}
      detail={[first?.reason, waiting, refused].filter(Boolean).join(' ')}
    >
      {first && (
        <>
          <button
            type="button"
            className="cc-button cc-button-accent"
            aria-busy={isPending}
            onClick={() => void approve(first.id, { priceText: priceText?.(first.seconds) })}
          >
            {needsConsent ? 'Agree' : 'Add the time'}
          </button>
          <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void decline(first.id)}>
            Decline
          </button>
        </>
      )}
    </NoticeRow>
  );
}

function inWords({ user, by, seconds }: RequestResponse): string {
  return `${user?.name || by} asks for ${moreTimeInWords(seconds)}.`;
}

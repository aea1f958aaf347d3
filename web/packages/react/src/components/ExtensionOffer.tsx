import type { OfferResponse } from '@callclock/client';
import { answerInWords } from '../clock_words.js';
import { countdownText, moreTimeInWords } from '../durations.js';
import { useCall } from '../hooks/useCall.js';
import { type Extension, useExtension } from '../hooks/useExtension.js';
import { useNameOf } from '../hooks/useNameOf.js';
import { useRecent } from '../hooks/useRecent.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { NoticeRow } from './NoticeRow.js';

export interface ExtensionOfferProps {
  /** Whether to say what became of an offer; false where the page tells of it elsewhere. */
  showsOutcome?: boolean;
  className?: string;
}

/**
 * More time on offer. Who may consent accepts or declines; who offered it sees that it waits, and can take it
 * back; everybody sees what became of it.
 */
export function ExtensionOffer({ showsOutcome = true, className }: ExtensionOfferProps) {
  const extension = useExtension();
  const { offer, canAnswer, canWithdraw, answered, isPending, error } = extension;
  const nameOf = useNameOf();
  const news = useRecent(showsOutcome ? answered : undefined);
  const outcome = news === undefined ? '' : answerInWords(news, nameOf(news.by?.id ?? null));
  return (
    <>
      <NoticeRow
        kind="offer"
        role="alert"
        className={className}
        text={offer !== null && canAnswer ? `${nameOf(offer.by)} offers ${moreTimeInWords(offer.seconds)}.` : ''}
        detail={offer !== null && <OfferDetail offer={offer} error={error} />}
      >
        <button
          type="button"
          className="cc-button cc-button-accent"
          aria-busy={isPending}
          onClick={() => void extension.accept()}
        >
          Accept
        </button>
        <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void extension.decline()}>
          Decline
        </button>
      </NoticeRow>
      <NoticeRow
        kind="offer"
        className={className}
        text={offer !== null && !canAnswer ? waitingInWords(offer, nameOf) : offer === null ? outcome : ''}
        detail={offer !== null && <OfferDetail offer={offer} error={error} />}
      >
        {offer !== null && canWithdraw && <Withdraw extension={extension} />}
      </NoticeRow>
    </>
  );
}

function waitingInWords(offer: OfferResponse, nameOf: (id: string | null) => string): string {
  const who = nameOf(offer.by);
  const have = who === 'You' ? 'have' : 'has';
  return `${who} ${have} offered ${moreTimeInWords(offer.seconds)}. Waiting for the answer.`;
}

function Withdraw({ extension }: { extension: Extension }) {
  return (
    <button
      type="button"
      className="cc-button"
      aria-busy={extension.isPending}
      onClick={() => void extension.decline()}
    >
      Take it back
    </button>
  );
}

/** Price and reason, what went wrong, and how long the offer stands: seen, not announced each second. */
function OfferDetail({ offer, error }: { offer: OfferResponse; error: Extension['error'] }) {
  const call = useCall();
  useSessionClock();
  const left = countdownText(Date.parse(offer.expires_at) - call.now());
  return (
    <>
      {offer.price_text && <strong className="cc-offer-price">{offer.price_text}</strong>}
      {offer.reason && <span>{offer.reason}</span>}
      <span className="cc-offer-left">Stands for {left}</span>
      {error && <span className="cc-problem">{error.message}</span>}
    </>
  );
}

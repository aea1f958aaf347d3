import { answerInWords } from '../clock_words.js';
import { moreTimeInWords } from '../durations.js';
import { useExtension } from '../hooks/useExtension.js';
import { useExtensionRequests } from '../hooks/useExtensionRequests.js';
import { useNameOf } from '../hooks/useNameOf.js';
import { useRecent } from '../hooks/useRecent.js';

export interface AskForMoreTimeProps {
  /** How much to ask for; by default a quarter of an hour, or the nearest length that is allowed. */
  seconds?: number;
  className?: string;
}

const QUARTER_SECONDS = 900;

/** Asks those who may extend, with one click; drawn only for those who may not, while more time is possible. */
export function AskForMoreTime({ seconds = QUARTER_SECONDS, className = '' }: AskForMoreTimeProps) {
  const { steps, maxSeconds, isAllowed, offer } = useExtension();
  const { canAsk, mine, answered, request, withdraw, isPending, error } = useExtensionRequests();
  const nameOf = useNameOf();
  const news = useRecent(answered);
  const asked = nearest(seconds, steps, maxSeconds);
  const canClick = canAsk && isAllowed && offer === null && asked > 0;
  const outcome = news === undefined ? '' : answerInWords(news, nameOf(news.by?.id ?? null));
  return (
    <span className={`cc-ask ${className}`}>
      {canClick && (
        <button
          type="button"
          className="cc-button cc-button-accent"
          aria-busy={isPending}
          onClick={() => void request(asked)}
        >
          Ask for {moreTimeInWords(asked)}
        </button>
      )}
      <span className="cc-ask-status" role="status">
        {mine && `You asked for ${moreTimeInWords(mine.seconds)}. Waiting for the answer.`}
        {!mine && !error && outcome}
        {error && `That did not work: ${error.message}`}
      </span>
      {mine && (
        <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void withdraw()}>
          Take it back
        </button>
      )}
    </span>
  );
}

/** The length nearest to the one wished for, among those that would be accepted; 0 when none is. */
export function nearest(wanted: number, steps: readonly number[] | null, maxSeconds: number | null): number {
  if (steps === null) return Math.min(wanted, maxSeconds ?? wanted);
  const byDistance = steps.toSorted((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
  return byDistance[0] ?? 0;
}

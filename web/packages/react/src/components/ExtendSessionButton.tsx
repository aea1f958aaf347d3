import { possibleSteps } from './ExtendSessionMenu.js';
import { durationInWords } from '../durations.js';
import { useExtension } from '../hooks/useExtension.js';
import { useExtendSession } from '../hooks/useExtendSession.js';

export interface ExtendSessionButtonProps {
  /** Seconds to add. */
  duration: number;
  /** What that costs, for those who must consent. */
  priceText?: string;
  className?: string;
}

/** Adds time, or offers it, once per click; drawn only for those who may, and while so much can be added. */
export function ExtendSessionButton({ duration, priceText, className = '' }: ExtendSessionButtonProps) {
  const { canExtend, extend, isPending, pendingCount, error } = useExtendSession();
  const extension = useExtension();
  if (!canExtend || !possibleSteps(extension, [duration]).includes(duration)) return null;
  const adding = pendingCount > 1 ? `Adding time (${pendingCount} requests)…` : 'Adding time…';
  return (
    <span className={`cc-extend ${className}`}>
      <button
        type="button"
        className="cc-button cc-button-accent"
        aria-busy={isPending}
        onClick={() => void extend(duration, undefined, priceText)}
      >
        {extension.needsConsent ? 'Offer' : '+'} {durationInWords(duration * 1000)}
      </button>
      <span className="cc-extend-status" role="status">
        {isPending && adding}
        {error && `No time was added: ${error.message}`}
      </span>
    </span>
  );
}

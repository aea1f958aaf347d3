import { durationInWords } from '../durations.js';
import { useExtendSession } from '../hooks/useExtendSession.js';

export interface ExtendSessionButtonProps {
  /** Seconds to add. */
  duration: number;
  className?: string;
}

/** Adds time, once per click; drawn only for those who may. */
export function ExtendSessionButton({ duration, className = '' }: ExtendSessionButtonProps) {
  const { canExtend, extend, isPending, pendingCount, error } = useExtendSession();
  if (!canExtend) return null;
  const adding = pendingCount > 1 ? `Adding time (${pendingCount} requests)…` : 'Adding time…';
  return (
    <span className={`cc-extend ${className}`}>
      <button
        type="button"
        className="cc-button cc-button-accent"
        aria-busy={isPending}
        onClick={() => void extend(duration)}
      >
        + {durationInWords(duration * 1000)}
      </button>
      <span className="cc-extend-status" role="status">
        {isPending && adding}
        {error && `No time was added: ${error.message}`}
      </span>
    </span>
  );
}

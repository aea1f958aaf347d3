import { pausedInWords, resumingInWords } from '../clock_words.js';
import { useClockControls } from '../hooks/useClockControls.js';
import { useNameOf } from '../hooks/useNameOf.js';
import { useNamesOfRoles } from '../hooks/useNamesOfRoles.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { NoticeRow } from './NoticeRow.js';

export interface PausedNoticeProps {
  className?: string;
}

const NOBODY: string[] = [];

/** Why the clock stands still, and how long at most. */
export function PausedNotice({ className }: PausedNoticeProps) {
  const { state, pausedReason, pauseEndsAt } = useSessionClock();
  const names = useNamesOfRoles(pausedReason?.roles ?? NOBODY);
  const by = useNameOf()(pausedReason?.by ?? null);
  const { canResume, resume, isPending, error } = useClockControls();
  const isPaused = state === 'paused';
  const goesOn = resumingInWords(pausedReason, pauseEndsAt);
  return (
    <NoticeRow
      kind="paused"
      className={className}
      text={isPaused ? pausedInWords(pausedReason, names, by) : ''}
      detail={error === undefined ? goesOn : `The clock still stands: ${error.message}`}
    >
      {canResume && (
        <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void resume()}>
          Go on
        </button>
      )}
    </NoticeRow>
  );
}

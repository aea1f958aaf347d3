import { waitingInWords } from '../clock_words.js';
import { useCall } from '../hooks/useCall.js';
import { useClockControls } from '../hooks/useClockControls.js';
import { useNamesOfRoles } from '../hooks/useNamesOfRoles.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { NoticeRow } from './NoticeRow.js';

export interface WaitingNoticeProps {
  className?: string;
}

const NOBODY: string[] = [];

/** What the clock waits for, before it starts; those who may can start it here. */
export function WaitingNotice({ className }: WaitingNoticeProps) {
  const { currentUserId } = useCall();
  const { state, waitingFor } = useSessionClock();
  const names = useNamesOfRoles(waitingFor?.roles ?? NOBODY);
  const { canStart, start, isPending, error } = useClockControls();
  const isWaiting = state === 'waiting';
  return (
    <NoticeRow
      kind="waiting"
      className={className}
      text={isWaiting ? waitingInWords(waitingFor, names, currentUserId) : ''}
      detail={error === undefined ? 'Waiting uses up no time.' : `The clock was not started: ${error.message}`}
    >
      {canStart && (
        <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void start()}>
          Start the clock now
        </button>
      )}
    </NoticeRow>
  );
}

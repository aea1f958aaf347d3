import type { SessionTimerState } from '@callclock/client';
import { countdownText } from '../durations.js';
import { useSessionTimer } from '../hooks/useSessionTimer.js';

export interface SessionTimerProps {
  className?: string;
}

const WORDS: Record<SessionTimerState, string> = {
  idle: 'Not started',
  unlimited: 'No time limit',
  calm: 'left',
  warning: 'left, ending soon',
  critical: 'left, about to end',
  ended: 'Time is up',
};

/** The countdown. Says by a word, and not by colour alone, how near the end is. */
export function SessionTimer({ className = '' }: SessionTimerProps) {
  const { state, remainingMs } = useSessionTimer();
  const isCounting = remainingMs !== null && state !== 'ended';
  return (
    <div className={`cc-timer ${className}`} data-state={state} role="timer" aria-label="Time left in this session">
      {isCounting && <span className="cc-timer-digits">{countdownText(remainingMs)}</span>}
      <span className="cc-timer-words">{WORDS[state]}</span>
    </div>
  );
}

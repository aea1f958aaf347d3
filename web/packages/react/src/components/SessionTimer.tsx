import type { SessionClockSnapshot, SessionTimerState } from '@callclock/client';
import { countUpText, countdownText } from '../durations.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
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

/** The countdown. Says by a word, and not by colour alone, how near the end is, and when the clock stands still. */
export function SessionTimer({ className = '' }: SessionTimerProps) {
  const timer = useSessionTimer();
  const clock = useSessionClock();
  const { digits, words, state } = shownOf(timer.state, clock);
  return (
    <div className={`cc-timer ${className}`} data-state={state} role="timer" aria-label="Time left in this session">
      {digits !== '' && <span className="cc-timer-digits">{digits}</span>}
      <span className="cc-timer-words">{words}</span>
    </div>
  );
}

function shownOf(timerState: SessionTimerState, { state, remainingMs, overtimeMs }: SessionClockSnapshot) {
  const left = remainingMs === null || state === 'ended' ? '' : countdownText(remainingMs);
  switch (state) {
    case 'waiting':
      return { state, digits: left, words: left === '' ? 'Not started' : 'not started' };
    case 'paused':
      return { state, digits: left, words: left === '' ? 'Paused' : 'left, paused' };
    case 'overtime':
      return { state, digits: `+${countUpText(overtimeMs)}`, words: 'overtime' };
    default:
      return { state: timerState, digits: left, words: WORDS[timerState] };
  }
}

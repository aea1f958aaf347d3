import type { EndedReason, LeftReason } from '@callclock/client';
import { type ReactNode, useEffect, useRef } from 'react';
import { durationInWords } from '../durations.js';
import { useCallEndedReason } from '../hooks/useCallEndedReason.js';
import { useCallLeftReason } from '../hooks/useCallLeftReason.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { useSessionRecord } from '../hooks/useSessionRecord.js';
import { SessionRecordTable } from './SessionRecordTable.js';

export interface CallEndedProps {
  className?: string;
  /** What can be done next, such as a link back. */
  children?: ReactNode;
}

const ENDED: Record<EndedReason, string> = {
  max_duration_reached: 'The time has run out.',
  ended_by_user: 'The call was ended.',
  empty_timeout: 'Everybody had left the call.',
  never_connected: 'Nobody could connect to the call.',
  call_deleted: 'The call was cancelled.',
  overtime_used_up: 'The overtime is used up.',
  max_wall_reached: 'The longest time allowed was reached.',
  no_show: 'The call was closed: somebody who was needed did not come.',
  never_started: 'The call was closed: its clock never started.',
};

const LEFT: Record<LeftReason, string> = {
  left: 'You have left the call.',
  removed: 'You were taken out of the call.',
  'joined-elsewhere': 'The call goes on in another window.',
  'connection-lost': 'The connection to the call was lost.',
};

/**
 * The end as a page: why it is over, how long the session was, and its record where it may be read. Takes the
 * focus, so that it is heard.
 */
export function CallEnded({ className = '', children }: CallEndedProps) {
  const endedReason = useCallEndedReason();
  const leftReason = useCallLeftReason();
  const { elapsedMs, overtimeMs, state } = useSessionClock();
  const record = useSessionRecord();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  const words = leftReason !== undefined ? LEFT[leftReason] : ENDED[endedReason ?? 'ended_by_user'];
  const lengthMs = state === 'ended' ? elapsedMs + overtimeMs : 0;
  return (
    <section className={`cc-ended ${className}`} aria-labelledby="cc-ended-heading">
      <h1 id="cc-ended-heading" ref={heading} tabIndex={-1}>
        {words}
      </h1>
      {lengthMs > 0 && <p className="cc-ended-length">The session lasted {durationInWords(lengthMs)}.</p>}
      {record && <SessionRecordTable record={record} />}
      {children}
    </section>
  );
}

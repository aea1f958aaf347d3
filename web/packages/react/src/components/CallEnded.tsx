import type { EndedReason, LeftReason } from '@callclock/client';
import { type ReactNode, useEffect, useRef } from 'react';
import { durationInWords } from '../durations.js';
import { useCallEndedReason } from '../hooks/useCallEndedReason.js';
import { useCallLeftReason } from '../hooks/useCallLeftReason.js';
import { useCallSession } from '../hooks/useCallSession.js';

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
  overtime_used_up: 'The time and the overtime are used up.',
  max_wall_reached: 'The call has lasted as long as it may.',
  no_show: 'Somebody who was needed did not come.',
  never_started: 'The call never began.',
};

const LEFT: Record<LeftReason, string> = {
  left: 'You have left the call.',
  removed: 'You were taken out of the call.',
  'joined-elsewhere': 'The call goes on in another window.',
  'connection-lost': 'The connection to the call was lost.',
};

/** The end as a page: why it is over, and how long the session was. Takes the focus, so that it is heard. */
export function CallEnded({ className = '', children }: CallEndedProps) {
  const endedReason = useCallEndedReason();
  const leftReason = useCallLeftReason();
  const session = useCallSession();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  const words = leftReason !== undefined ? LEFT[leftReason] : ENDED[endedReason ?? 'ended_by_user'];
  const endedAt = session?.ended_at ?? null;
  const lengthMs = session === undefined || endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(session.started_at);
  return (
    <section className={`cc-ended ${className}`} aria-labelledby="cc-ended-heading">
      <h1 id="cc-ended-heading" ref={heading} tabIndex={-1}>
        {words}
      </h1>
      {lengthMs > 0 && <p className="cc-ended-length">The session lasted {durationInWords(lengthMs)}.</p>}
      {children}
    </section>
  );
}

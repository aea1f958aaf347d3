import { SessionTimeline, useCallStateHooks, useSessionChanges } from '@callclock/react';
import { lengthInWords, timeOfDay } from '../words/times';

/** The session as a bar, with its start, its end and what was added in words below. */
export function TimeLine() {
  const session = useCallStateHooks().useCallSession();
  const changes = useSessionChanges();
  if (session === undefined || session.timer_ends_at === null) return null;
  const addedSeconds = changes
    .filter(({ how, session_id }) => how !== 'start' && session_id === session.id)
    .reduce((sum, { seconds }) => sum + seconds, 0);
  return (
    <div className="tm-timeline">
      <SessionTimeline />
      <div className="tm-timeline-scale">
        <span>{timeOfDay(session.started_at)}</span>
        <span className="tm-timeline-added">{addedSeconds > 0 && `+ ${lengthInWords(addedSeconds)}`}</span>
        <span>{timeOfDay(session.timer_ends_at)}</span>
      </div>
    </div>
  );
}

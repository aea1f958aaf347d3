import { type SessionClockSnapshot, SessionTimeline, durationInWords, useCallStateHooks, useSessionChanges } from '@callclock/react';
import { lengthInWords, timeOfDay } from '../words/times';

/** The session as a bar, with its start, its end, and what was added and paused in words below. */
export function TimeLine() {
  const { useCallSession, useSessionClock } = useCallStateHooks();
  const session = useCallSession();
  const clock = useSessionClock();
  const changes = useSessionChanges();
  if (session === undefined || clock.remainingMs === null) return null;
  const addedSeconds = changes
    .filter(({ how, session_id }) => how !== 'start' && session_id === session.id)
    .reduce((sum, { seconds }) => sum + seconds, 0);
  const notes = [
    addedSeconds > 0 && `+ ${lengthInWords(addedSeconds)}`,
    clock.state !== 'paused' && clock.pausedMs >= 1000 && `paused ${durationInWords(clock.pausedMs)}`,
  ];
  return (
    <div className="tm-timeline">
      <SessionTimeline />
      <div className="tm-timeline-scale">
        <span>{clock.startedAt !== null && timeOfDay(clock.startedAt)}</span>
        <span className="tm-timeline-added">{notes.filter(Boolean).join(' · ')}</span>
        <span>{endInWords(clock)}</span>
      </div>
    </div>
  );
}

function endInWords({ state, endsAt, hardEndsAt, remainingMs }: SessionClockSnapshot): string {
  if (endsAt === null) return lengthInWords((remainingMs ?? 0) / 1000);
  if (state === 'overtime' && hardEndsAt !== null) return timeOfDay(hardEndsAt);
  // The header says it already: by when at the latest.
  return state === 'paused' ? '' : timeOfDay(endsAt);
}

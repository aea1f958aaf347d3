import { durationInWords } from '../durations.js';
import { useCallSession } from '../hooks/useCallSession.js';
import { useCallSettings } from '../hooks/useCallSettings.js';
import { useSessionChanges } from '../hooks/useSessionChanges.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { useSessionTimer } from '../hooks/useSessionTimer.js';
import { type TimelineSegment, timelineOf } from '../timeline.js';

export interface SessionTimelineProps {
  className?: string;
}

const NONE: number[] = [];

/**
 * The session as a thin bar: what is used up has drained away, the warnings are marked, time that was added,
 * pauses and overtime are segments of their own. For the eye only; the countdown says the same to everybody.
 */
export function SessionTimeline({ className = '' }: SessionTimelineProps) {
  const session = useCallSession();
  const clock = useSessionClock();
  const { state } = useSessionTimer();
  const warningSeconds = useCallSettings()?.limits.warning_seconds ?? NONE;
  const changes = useSessionChanges();
  const totalSeconds = session?.max_duration_seconds ?? 0;
  const timeline = timelineOf({ clock, changes, totalSeconds, warningSeconds });
  if (timeline === undefined) return null;
  const { usedPercent, added, paused, overtime, warnings } = timeline;
  const barState = clock.state === 'running' ? state : clock.state;
  return (
    <div className={`cc-timeline ${className}`} data-state={barState} aria-hidden="true">
      {added.map((segment) => (
        <Segment key={segment.id} kind="added" segment={segment} />
      ))}
      {overtime && <span className="cc-timeline-overtime" title="Overtime" style={placed(overtime)} />}
      <div className="cc-timeline-used" style={{ inlineSize: `${usedPercent}%` }} />
      {paused.map((segment) => (
        <Segment key={segment.id} kind="paused" segment={segment} />
      ))}
      {warnings.map(({ seconds, startPercent }) => (
        <span key={seconds} className="cc-timeline-warning" style={{ insetInlineStart: `${startPercent}%` }} />
      ))}
    </div>
  );
}

function Segment({ kind, segment }: { kind: 'added' | 'paused'; segment: TimelineSegment }) {
  const title = `${durationInWords(segment.seconds * 1000)} ${kind}`;
  return <span className={`cc-timeline-${kind}`} title={title} style={placed(segment)} />;
}

function placed({ startPercent, widthPercent }: { startPercent: number; widthPercent: number }) {
  return { insetInlineStart: `${startPercent}%`, inlineSize: `${widthPercent}%` };
}

import type { ChangeResponse } from '@callclock/client';
import { durationInWords } from '../durations.js';
import { useCallSession } from '../hooks/useCallSession.js';
import { useCallSettings } from '../hooks/useCallSettings.js';
import { useSessionChanges } from '../hooks/useSessionChanges.js';
import { useSessionTimer } from '../hooks/useSessionTimer.js';
import { extensionSegments } from '../timeline.js';

export interface SessionTimelineProps {
  className?: string;
}

const NONE: number[] = [];

/**
 * The session as a thin bar: what is used up has drained away, the warnings are marked, and time that was
 * added is a segment of its own. For the eye only; the countdown says the same to everybody.
 */
export function SessionTimeline({ className = '' }: SessionTimelineProps) {
  const session = useCallSession();
  const { state, remainingMs, endsAt } = useSessionTimer();
  const warnings = useCallSettings()?.limits.warning_seconds ?? NONE;
  const changes = useSessionChanges();
  if (session === undefined || endsAt === null || remainingMs === null) return null;
  const totalMs = endsAt.getTime() - Date.parse(session.started_at);
  if (totalMs <= 0) return null;
  const usedPercent = 100 - (remainingMs / totalMs) * 100;
  return (
    <div className={`cc-timeline ${className}`} data-state={state} aria-hidden="true">
      <Extensions changes={changes} startedAtMs={Date.parse(session.started_at)} totalMs={totalMs} />
      <div className="cc-timeline-used" style={{ inlineSize: `${usedPercent}%` }} />
      {warnings
        .filter((seconds) => seconds * 1000 < totalMs)
        .map((seconds) => (
          <span
            key={seconds}
            className="cc-timeline-warning"
            style={{ insetInlineStart: `${100 - (seconds * 100_000) / totalMs}%` }}
          />
        ))}
    </div>
  );
}

interface ExtensionsProps {
  changes: readonly ChangeResponse[];
  startedAtMs: number;
  totalMs: number;
}

function Extensions({ changes, startedAtMs, totalMs }: ExtensionsProps) {
  return extensionSegments(changes, startedAtMs, totalMs).map(({ id, startPercent, widthPercent, seconds }) => (
    <span
      key={id}
      className="cc-timeline-added"
      title={`${durationInWords(seconds * 1000)} added`}
      style={{ insetInlineStart: `${startPercent}%`, inlineSize: `${widthPercent}%` }}
    />
  ));
}

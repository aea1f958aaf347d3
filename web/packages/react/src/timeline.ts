import type { ChangeResponse } from '@callclock/client';

export interface ExtensionSegment {
  id: ChangeResponse['id'];
  seconds: number;
  startPercent: number;
  widthPercent: number;
}

/** Where the time that was added lies on the session's bar; what a later change took away again is cut off. */
export function extensionSegments(
  changes: readonly ChangeResponse[],
  startedAtMs: number,
  totalMs: number,
): ExtensionSegment[] {
  const segments: ExtensionSegment[] = [];
  for (const { id, how, old_ends_at: oldEnd, new_ends_at: newEnd, seconds } of changes) {
    if (how === 'start' || oldEnd === null || newEnd === null || seconds <= 0) continue;
    const startPercent = ((Date.parse(oldEnd) - startedAtMs) / totalMs) * 100;
    const endPercent = Math.min(100, ((Date.parse(newEnd) - startedAtMs) / totalMs) * 100);
    if (startPercent < endPercent) {
      segments.push({ id, seconds, startPercent, widthPercent: endPercent - startPercent });
    }
  }
  return segments;
}

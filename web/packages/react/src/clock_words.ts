/** The rules of a session, said to the people in it. */
import type { AnsweredExtension, PausedReason, WaitingFor } from '@callclock/client';
import { durationInWords, moreTimeInWords, timeOfDay } from './durations.js';
import type { Extension } from './hooks/useExtension.js';

/** `Dr. Lecter`, `you and Bill`. */
export function listOf(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names);
}

/** What the clock waits for; `ownId` is the reader, `names` stand for the missing roles where nobody is known. */
export function waitingInWords(waitingFor: WaitingFor | null, names: readonly string[], ownId: string): string {
  switch (waitingFor?.reason) {
    case 'roles':
      return `The clock starts when ${whoJoins(waitingFor, names, ownId)}.`;
    case 'schedule':
      return waitingFor.starts_at === null
        ? 'The clock starts at the time agreed.'
        : `The clock starts at ${timeOfDay(waitingFor.starts_at)}.`;
    case 'start':
      return 'The clock starts when it is started by hand.';
    case 'people':
      return 'The clock starts when somebody joins.';
    case 'backstage':
      return 'The clock has not started: nobody has been let in yet.';
    default:
      return 'The clock has not started.';
  }
}

function whoJoins({ users }: WaitingFor, names: readonly string[], ownId: string): string {
  const others = users.filter((user) => user.id !== ownId).map((user) => user.name || user.id);
  const isOwn = others.length < users.length;
  const missing = users.length === 0 ? names : isOwn ? ['you', ...others] : others;
  return `${listOf(missing)} ${missing.length > 1 || isOwn ? 'join' : 'joins'}`;
}

/** Why the clock stands still. `names`: who is away; `by`: who paused it. */
export function pausedInWords(reason: PausedReason | null, names: readonly string[], by: string): string {
  if (reason?.kind === 'absence') return `Paused: ${listOf(names)} ${names.length > 1 ? 'are' : 'is'} away.`;
  return reason?.reason ? `${by} paused the clock: ${reason.reason}` : `${by} paused the clock.`;
}

/** When the clock goes on. */
export function resumingInWords(reason: PausedReason | null, endsAt: Date | null): string {
  const latest = endsAt === null ? '' : `at ${timeOfDay(endsAt)} at the latest`;
  if (reason?.kind === 'absence') {
    return latest === '' ? 'It goes on with their return.' : `It goes on with their return, ${latest}.`;
  }
  return latest === '' ? '' : `It goes on ${latest}.`;
}

const REFUSALS: Record<string, string> = {
  'extension-count-reached': 'No more extensions are left.',
  'extension-total-reached': 'No more time may be added to this session.',
  'wall-limit-reached': 'The session has reached its longest time.',
  'offer-pending': 'An offer is waiting for an answer.',
  'no-running-session': 'The clock has not started yet.',
};

/** Why no time can be added now; empty while some can. */
export function refusalInWords(extension: Pick<Extension, 'reason' | 'cooldownUntil' | 'freeUntil'>): string {
  const { reason, cooldownUntil, freeUntil } = extension;
  if (reason === undefined) return '';
  if (reason === 'extension-cooling-down') {
    return cooldownUntil === null
      ? 'The next extension is possible in a while.'
      : `The next extension is possible at ${timeOfDay(cooldownUntil)}.`;
  }
  if (reason === 'runs-into-next-call') {
    return freeUntil === null
      ? 'The next appointment follows at once.'
      : `No time is free: the next appointment begins at ${timeOfDay(freeUntil)}.`;
  }
  return REFUSALS[reason] ?? 'No time can be added now.';
}

/** What became of an offer or a request. `who`: whoever answered. */
export function answerInWords({ answer, offer, request }: AnsweredExtension, who: string): string {
  const time = moreTimeInWords((offer ?? request)?.seconds ?? 0);
  switch (answer) {
    case 'accepted':
      return `${who} accepted ${time}.`;
    case 'approved':
      return `${who} agreed to ${time}.`;
    case 'declined':
      return `${who} declined ${time}.`;
    case 'withdrawn':
      return `${who} took ${offer ? 'the offer' : 'the request'} back.`;
    case 'expired':
      return `Nobody answered in time: ${time} ${offer ? 'were not added' : 'were not granted'}.`;
  }
}

/** How much may still be added before somebody's next call; empty where nothing follows. */
export function freeTimeInWords({ freeUntil, freeSeconds }: Pick<Extension, 'freeUntil' | 'freeSeconds'>): string {
  if (freeUntil === null || freeSeconds === null) return '';
  const next = `The next appointment begins at ${timeOfDay(freeUntil)}`;
  const wholeMinutes = Math.floor(freeSeconds / 60);
  if (wholeMinutes < 1) return `${next}.`;
  return `${next}: ${durationInWords(wholeMinutes * 60_000)} ${wholeMinutes === 1 ? 'is' : 'are'} free.`;
}

import type { AnsweredExtension, ChangeResponse } from '@callclock/client';
import { answerInWords } from '@callclock/react';
import { lengthInWords, timeOfDay } from './times';

type NameOf = (userId: string | null) => string;

/** What a change of the clock means to the people in the call; empty where another row says it already. */
export function changeInWords(change: ChangeResponse, nameOf: NameOf): string {
  const ends = change.new_ends_at === null ? '' : `ends ${timeOfDay(change.new_ends_at)}`;
  const end = ends && ` · now ${ends}`;
  switch (change.how) {
    case 'pause':
    case 'overtime':
    case 'start':
      return '';
    case 'clock_start':
      return [startInWords(change.by, nameOf), ends].filter(Boolean).join(' · ');
    case 'resume':
      return `The clock goes on${end}`;
    case 'policy':
      return 'The clinic changed the rules of this appointment';
    case 'remove':
      return `${nameOf(change.by)} took the time limit away`;
    default:
      return `${movedInWords(change, nameOf)}${end}`;
  }
}

function startInWords(by: string | null, nameOf: NameOf): string {
  return by === null ? 'The clock has started' : `${nameOf(by)} started the clock`;
}

function movedInWords({ by, seconds, new_ends_at, details }: ChangeResponse, nameOf: NameOf): string {
  const who = nameOf(by);
  if (new_ends_at === null) return `${who} took the time limit away`;
  const length = lengthInWords(Math.abs(seconds));
  if (seconds < 0) return `${who} shortened the call by ${length}`;
  const consent = details?.consent_by ? `, ${inMidSentence(nameOf(details.consent_by))} agreed` : '';
  return `${who} added ${length}${consent}`;
}

/** An answer that moved nothing; what did is told with the change. */
export function refusalOfTime(answered: AnsweredExtension, nameOf: NameOf): string {
  const moves = answered.answer === 'accepted' || answered.answer === 'approved';
  return moves ? '' : answerInWords(answered, nameOf(answered.by?.id ?? null));
}

function inMidSentence(name: string): string {
  return name === 'You' ? 'you' : name;
}

import { durationInWords } from '@callclock/react';

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });

/** A time of day as the reader's own machine writes it. */
export function timeOfDay(time: Date | string): string {
  return CLOCK.format(typeof time === 'string' ? new Date(time) : time);
}

/** The length of an appointment: whole minutes up to two hours, as people book it. */
export function lengthInWords(seconds: number): string {
  const isWholeMinutes = seconds >= 60 && seconds <= 7200 && seconds % 60 === 0;
  if (!isWholeMinutes) return durationInWords(seconds * 1000);
  return seconds === 60 ? '1 minute' : `${seconds / 60} minutes`;
}

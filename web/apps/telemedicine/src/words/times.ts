import { durationInWords, timeOfDay } from '@callclock/react';

export { timeOfDay };

/** The length of an appointment: whole minutes up to two hours, as people book it. */
export function lengthInWords(seconds: number): string {
  const isWholeMinutes = seconds >= 60 && seconds <= 7200 && seconds % 60 === 0;
  if (!isWholeMinutes) return durationInWords(seconds * 1000);
  return seconds === 60 ? '1 minute' : `${seconds / 60} minutes`;
}

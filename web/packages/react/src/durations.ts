/** Seconds left as people read a clock: `1:05:09`, `4:59`, `0:07`. The last second shows as `0:01`. */
export function countdownText(remainingMs: number): string {
  const total = Math.max(0, Math.ceil(remainingMs / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

/** Time that has passed, as people read a clock: `0:07` after seven whole seconds. */
export function countUpText(passedMs: number): string {
  return countdownText(Math.floor(Math.max(0, passedMs) / 1000) * 1000);
}

/** `15 more minutes`, `1 more minute`, `1 minute 30 seconds more`. */
export function moreTimeInWords(seconds: number): string {
  const words = durationInWords(seconds * 1000);
  return words.split(' ').length === 2 ? words.replace(' ', ' more ') : `${words} more`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });

/** A time of day as the reader's own machine writes it. */
export function timeOfDay(time: Date | string): string {
  return CLOCK.format(typeof time === 'string' ? new Date(time) : time);
}

const EXACT_CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', second: '2-digit' });

/** The same with seconds, for what is to be looked up later. */
export function exactTimeOfDay(time: Date | string): string {
  return EXACT_CLOCK.format(typeof time === 'string' ? new Date(time) : time);
}

/** A length of time in words, in the two units that matter: `1 hour 5 minutes`, `4 minutes 59 seconds`. */
export function durationInWords(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const parts = [
    counted(Math.floor(total / 3600), 'hour'),
    counted(Math.floor((total % 3600) / 60), 'minute'),
    counted(total % 60, 'second'),
  ];
  const first = parts.findIndex((part) => part !== '');
  return first < 0 ? '0 seconds' : parts.slice(first, first + 2).filter(Boolean).join(' ');
}

function counted(value: number, unit: string): string {
  if (value === 0) return '';
  return value === 1 ? `1 ${unit}` : `${value} ${unit}s`;
}

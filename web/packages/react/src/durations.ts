/** Seconds left as people read a clock: `1:05:09`, `4:59`, `0:07`. The last second shows as `0:01`. */
export function countdownText(remainingMs: number): string {
  const total = Math.max(0, Math.ceil(remainingMs / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
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

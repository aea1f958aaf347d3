import { useClockControls } from '../hooks/useClockControls.js';

export interface ClockControlsProps {
  className?: string;
}

/** Start, pause and go on: what is possible now, for those who may. */
export function ClockControls({ className = '' }: ClockControlsProps) {
  const { canControl, canStart, canPause, canResume, start, pause, resume, isPending, error } = useClockControls();
  if (!canControl) return null;
  const deeds = [
    { isPossible: canStart, words: 'Start the clock', act: start },
    { isPossible: canPause, words: 'Pause the clock', act: pause },
    { isPossible: canResume, words: 'Go on', act: resume },
  ];
  return (
    <span className={`cc-clock-controls ${className}`}>
      {deeds
        .filter(({ isPossible }) => isPossible)
        .map(({ words, act }) => (
          <button key={words} type="button" className="cc-button" aria-busy={isPending} onClick={() => void act()}>
            {words}
          </button>
        ))}
      <span role="status">{error?.message}</span>
    </span>
  );
}
